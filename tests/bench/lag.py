"""`python -m tests.bench.lag`: how far off lag in seconds is, while a worker works and while it is dead.

A worker reads a steady load, then bursts. It is killed, started again after so many seconds, and catches up;
the exporter is scraped all the time. What was true is read from Kafka's own logs afterwards, see `lag_truth`.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from kafka import TopicPartition

from streams.config import Settings
from streams.ops.kafka_client import open_sender
from streams.ops.outgoing import to_outgoing
from streams.ops.topics import create_topics
from streams.ops.visibility import utc_now
from tests.bench.lag_truth import Truth, read_truth
from tests.bench.measurements import Write, as_command, report
from tests.bench.servers import Servers
from tests.bench.worker import Worker, wait_drained
from tests.ops.lag_exporter_rig import Exporter, lag_exporter

LAG_SECONDS: Final = "kafka_consumergroup_group_lag_seconds"
#: Events of one tick, and seconds from one tick to the next: 200 events a second each.
LOADS: Final = {"steady": (10, 0.05), "bursty": (800, 4.0)}

_NAME: Final = "lag"
_CALM_SECONDS: Final = 8.0
_PAUSE_SECONDS: Final = 0.2
_CUSTOMERS: Final = 2_000


class Sample(NamedTuple):
    """One scrape: when it was asked for and answered, and lag in seconds by partition."""

    asked_at_ms: int
    answered_at_ms: int
    seconds: dict[TopicPartition, float]


class LagError(NamedTuple):
    """By how much what was said differs from what was true at some moment of the scrape.

    `values`: a scrape has one for each partition.
    """

    load: str
    stall_s: float
    scrapes: int
    values: int
    max_true_lag_s: float
    mean_error_ms: float
    max_error_ms: float
    max_scrape_ms: int


def main(
    stalls: Annotated[str, typer.Option(help="Seconds for which the worker is dead.")] = "0 5 60",
    write: Write = True,
) -> None:
    """Measure, print a table and write results/lag.csv."""
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as path, Servers(Path(path)) as servers:
        settings = servers.settings(_NAME)
        create_topics(settings)
        servers.migrate(_NAME)
        rows = measure(settings, [float(stall) for stall in stalls.split()])
    report("lag", "Error of lag in seconds", rows, write)


def measure(settings: Settings, stalls: list[float], calm_seconds: float = _CALM_SECONDS) -> list[LagError]:
    """All stalls under each load; the worker works for `calm_seconds` before and after each."""
    taken = {}
    with lag_exporter(settings, settings.data_dir) as exporter:
        exporter.until_answers("/readyz", 200)
        for load, (events, pause_seconds) in LOADS.items():
            with _sending(settings, events, pause_seconds):
                for stall in stalls:
                    taken[load, stall] = list(_samples(settings, exporter, stall, calm_seconds))
            with _worker(settings):
                wait_drained(settings)
    places = {place for samples in taken.values() for sample in samples for place in sample.seconds}
    truth = read_truth(settings.kafka_bootstrap, settings.group_id, places)
    return [_compare(load, stall, samples, truth) for (load, stall), samples in taken.items()]


def _samples(settings: Settings, exporter: Exporter, stall: float, calm_seconds: float) -> Iterator[Sample]:
    """A worker works for some seconds, is dead for `stall` seconds, and works again."""
    with _worker(settings) as worker:
        worker.wait_ready()
        yield from _until(exporter, _passed(calm_seconds))
        if not stall:
            return
        worker.kill()
        yield from _until(exporter, _passed(stall))
    with _worker(settings) as worker:
        # Until it has caught up, and then some seconds.
        yield from _until(exporter, lambda sample: max(sample.seconds.values()) < 1.0)
        yield from _until(exporter, _passed(calm_seconds))


def _worker(settings: Settings) -> Worker:
    return Worker(settings, settings.data_dir / "worker", ENGAGE_INSTANCE_ID=_NAME)


def _until(exporter: Exporter, ends: Callable[[Sample], bool]) -> Iterator[Sample]:
    while True:
        asked_at_ms = _now_ms()
        scrape = exporter.scrape()
        answered_at_ms = _now_ms()
        seconds = {
            TopicPartition(sample.labels["topic"], int(sample.labels["partition"])): sample.value
            for sample in scrape.families[LAG_SECONDS].samples
        }
        sample = Sample(asked_at_ms, answered_at_ms, seconds)
        yield sample
        if ends(sample):
            return
        time.sleep(_PAUSE_SECONDS)


def _passed(seconds: float) -> Callable[[Sample], bool]:
    until = time.monotonic() + seconds
    return lambda _: time.monotonic() >= until


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def _sending(settings: Settings, events: int, pause_seconds: float) -> Iterator[None]:
    """So many events in each tick, until the block ends."""
    stop = threading.Event()
    sender = threading.Thread(target=partial(_send, settings, events, pause_seconds, stop))
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()


def _send(settings: Settings, events: int, pause_seconds: float, stop: threading.Event) -> None:
    rng = random.Random(1)
    with open_sender(settings) as sender:
        while not stop.wait(pause_seconds):
            for _ in range(events):
                event = {
                    "event_id": uuid.uuid4().hex,
                    "type": "page_viewed",
                    "occurred_at": utc_now().isoformat(timespec="milliseconds"),
                    "customer_id": f"c-{rng.randrange(_CUSTOMERS)}",
                    "properties": {"url": "https://shop.example/"},
                }
                sender.send(to_outgoing("website", event))
            sender.flush()


def _compare(load: str, stall: float, samples: list[Sample], truth: dict[TopicPartition, Truth]) -> LagError:
    errors = [
        truth[place].error_seconds(said, sample.asked_at_ms, sample.answered_at_ms)
        for sample in samples
        for place, said in sample.seconds.items()
    ]
    lags = [truth[place].age_seconds(sample.answered_at_ms) for sample in samples for place in sample.seconds]
    return LagError(
        load=load,
        stall_s=stall,
        scrapes=len(samples),
        values=len(errors),
        max_true_lag_s=max(lags),
        mean_error_ms=1000 * statistics.mean(errors),
        max_error_ms=1000 * max(errors),
        max_scrape_ms=max(sample.answered_at_ms - sample.asked_at_ms for sample in samples),
    )


if __name__ == "__main__":
    as_command(main)
