"""`make soak-browser`: 10,000 customers live on a page that stays open; are memory and CPU of the tab flat?

Prints a table, and ends with status 1 if the last third takes more than the first one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from streams.ops.pace import paced
from streams.producer import EngagementProducer, new_event
from tests.browser.stage import HERE, environment, install_packages, missing
from tests.e2e.stack import Stack, running

CUSTOMERS = 10_000
#: Everybody is back within 200 of the 300 seconds for which one counts as live.
RATE = 50.0
COLUMNS = ("shown", "heap_mib", "cpu_pct", "nodes", "listeners", "shift")
#: More in the last third than in the first by this much is growth: share, and for small values an amount.
MOST = {"heap_mib": (1.2, 1.0), "cpu_pct": (1.5, 3.0), "nodes": (1.2, 200.0), "listeners": (1.2, 50.0)}

Line = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    if lacking := missing():
        print(f"skipped, missing: {lacking}")
        return 0
    install_packages()
    with (
        tempfile.TemporaryDirectory() as directory,
        running(Path(directory), with_dashboard=True) as stack,
        visits(stack),
    ):
        lines = list(watched(stack, minutes))
    return summarize(lines)


@contextmanager
def visits(stack: Stack) -> Iterator[None]:
    """All customers once, at once; then one after the other, again and again."""
    with EngagementProducer(stack.settings.kafka_bootstrap) as producer:
        for number in range(CUSTOMERS):
            visit(producer, number)
    stack.drain()
    enough = threading.Event()
    thread = threading.Thread(target=keep_visiting, args=(stack, enough))
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def keep_visiting(stack: Stack, enough: threading.Event) -> None:
    with EngagementProducer(stack.settings.kafka_bootstrap) as producer:
        for number in paced(itertools.cycle(range(CUSTOMERS)), RATE):
            if enough.is_set():
                return
            visit(producer, number)


def visit(producer: EngagementProducer, number: int) -> None:
    url = f"https://shop.example/{number % 97}"
    producer.send(new_event("page_viewed", customer_id=f"c-{number:05}", properties={"url": url}))


def watched(stack: Stack, minutes: float) -> Iterator[Line]:
    print("  ".join(f"{column:>9}" for column in COLUMNS))
    command = ["node", "measure/soak.mjs", str(minutes)]
    with subprocess.Popen(
        command, cwd=HERE, env={**os.environ, **environment(stack)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for text in process.stdout:
            line: Line = json.loads(text)
            print("  ".join(f"{line[column]:9.4g}" for column in COLUMNS), flush=True)
            yield line
    if process.returncode != 0:
        sys.exit(f"the browser ended with status {process.returncode}")


def summarize(lines: Sequence[Line]) -> int:
    """Medians of the first and the last third, behind a first line in which the page still fills."""
    settled = lines[1:]
    third = max(1, len(settled) // 3)
    print(f"{'':>9}  {'first':>9}  {'last':>9}")
    grown = []
    for column, (share, amount) in MOST.items():
        first, last = (median(line[column] for line in part) for part in (settled[:third], settled[-third:]))
        print(f"{column:>9}  {first:9.4g}  {last:9.4g}")
        if last > max(first * share, first + amount):
            grown.append(column)
    print("grown: " + ", ".join(grown) if grown else "flat")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
