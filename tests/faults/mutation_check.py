"""Switches off one protective measure after the other and sees that the fault suite notices.

`python -m tests.faults.mutation_check --only dedupe --rigs 1`. The scenarios that have noticed are run once
more with nothing switched off, and then they must pass. The table goes to `results/mutations.md` too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from tests.faults.catalogue import SCENARIOS
from tests.faults.findings import VerdictFailed
from tests.faults.mutation import Attempt, Mutation
from tests.faults.mutations import MUTATIONS
from tests.faults.rig import Rig

TABLE = Path(__file__).with_name("results") / "mutations.md"
NOTHING = Mutation("none", "nothing", ())

_HEADER = """\
| mutation | what it switches off | caught by | how it showed | seconds |
|---|---|---|---|---|
"""


class Result(NamedTuple):
    """What became of a mutation (or of none).

    `finding` is what `attempt` has found wrong, empty if no scenario has found anything; `error` says how
    scenarios ended otherwise.
    """

    name: str
    attempt: Attempt
    finding: str
    error: str
    took_seconds: float

    @property
    def is_as_wanted(self) -> bool:
        mutation = MUTATIONS.get(self.name, NOTHING)
        if mutation is NOTHING or mutation.harmless_because:
            return not self.finding and not self.error
        return bool(self.finding)

    def line(self) -> str:
        told = _shorter(self.finding) or self.error or "passed"
        verdict = "ok" if self.is_as_wanted else "NOT AS WANTED"
        at = f"{self.attempt.scenario}, seed {self.attempt.seed}"
        return f"{verdict}: {self.name} in {at}, {self.took_seconds:.0f} s: {told}"


def main() -> int:
    options = _options()
    names = [name for name in MUTATIONS if not options.only or any(part in name for part in options.only)]
    if not names:
        sys.exit(f"no mutation is named so; there are: {', '.join(MUTATIONS)}")
    results = []
    for result in check_all(names, options.rigs):
        print(result.line(), flush=True)
        results.append(result)
    text = table(results)
    TABLE.write_text(text)
    print("\n" + text)
    return 0 if all(result.is_as_wanted for result in results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.mutation_check", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="mutations whose name contains this")
    parser.add_argument("--rigs", type=int, default=2, help="how many run side by side")
    return parser.parse_args()


# -- running -----------------------------------------------------------------------------------------


def check_all(names: Sequence[str], rigs: int) -> Iterator[Result]:
    """Results as they come: of the mutations, then of the scenarios that were needed, without any."""
    with (
        tempfile.TemporaryDirectory(prefix="mutations-", ignore_cleanup_errors=True) as directory,
        ProcessPoolExecutor(
            rigs, multiprocessing.get_context("spawn"), initializer=_open_rig, initargs=(directory,)
        ) as pool,
    ):
        needed = set()
        for future in as_completed([pool.submit(_check, name, MUTATIONS[name].attempts) for name in names]):
            result = future.result()
            needed.add(result.attempt)
            yield result
        for future in as_completed([pool.submit(_check, NOTHING.name, [attempt]) for attempt in needed]):
            yield future.result()


_rig: Rig


def _open_rig(directory: str) -> None:
    """Servers of a process of the pool; the kernel ends them with it."""
    global _rig
    _rig = Rig(Path(tempfile.mkdtemp(dir=directory)))


def _check(name: str, attempts: Sequence[Attempt]) -> Result:
    """Run scenarios with a mutation until one catches it."""
    started = time.monotonic()
    finding, errors = "", []
    for attempt in attempts:
        try:
            finding = run(_rig, MUTATIONS.get(name, NOTHING), attempt)
        except Exception:
            errors.append(traceback.format_exc())
        if finding:
            break
    return Result(name, attempt, finding, "\n".join(errors), time.monotonic() - started)


def run(rig: Rig, mutation: Mutation, attempt: Attempt) -> str:
    """What a scenario has found wrong with mutated workers, in one line; empty if it passed.

    Raises whatever else ends the scenario: that a broken worker does not start proves nothing.
    """
    rig.begin()
    mutation.change_database(rig)
    rig.mutation = "" if mutation is NOTHING else mutation.name
    try:
        SCENARIOS[attempt.scenario].run(rig, attempt.seed)
    except VerdictFailed as failed:
        return failed.findings.problems[0]
    except AssertionError as failed:
        if not mutation.ends_with or mutation.ends_with not in str(failed):
            raise
        return f"a worker ends: {mutation.ends_with}"
    finally:
        rig.mutation = ""
        rig.ensure_servers()
        rig.stop_workers()
    return ""


# -- telling -----------------------------------------------------------------------------------------


def table(results: Sequence[Result]) -> str:
    """A Markdown table in the order of the registry; the last row sums up the runs without a mutation."""
    rows = [_row(result) for name in MUTATIONS for result in results if result.name == name]
    controls = [result for result in results if result.name == NOTHING.name]
    return _HEADER + "".join(rows) + _control_row(controls)


def _row(result: Result) -> str:
    mutation = MUTATIONS[result.name]
    told = _shorter(result.finding) or ("no verdict" if result.error else "passed")
    if result.finding:
        caught_by = f"{result.attempt.scenario}, seed {result.attempt.seed}"
    else:
        caught_by = f"none: {mutation.harmless_because}" if mutation.harmless_because else "**none**"
    return f"| {result.name} | {mutation.switches_off} | {caught_by} | {told} | {result.took_seconds:.0f} |\n"


def _control_row(results: Sequence[Result]) -> str:
    failed = [result.line().splitlines()[0] for result in results if not result.is_as_wanted]
    told = "; ".join(failed) or f"all {len(results)} passed"
    seconds = sum(result.took_seconds for result in results)
    return f"| none | {NOTHING.switches_off} | the same scenarios and seeds | {told} | {seconds:.0f} |\n"


def _shorter(finding: str) -> str:
    """What and how many, without the examples."""
    return finding.partition(", such as ")[0]


if __name__ == "__main__":
    sys.exit(main())
