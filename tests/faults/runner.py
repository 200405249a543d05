"""Runs every scenario many times, with different seeds, and prints what was lost and counted twice.

`python -m tests.faults --only sigkill --repetitions 5 --minutes 10`; several rigs (a Kafka and a ClickHouse
front each) work side by side, as a scenario mostly waits. The table goes to `results/faults.md` too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.catalogue import SCENARIOS
from tests.faults.findings import Findings, VerdictFailed
from tests.faults.report import Outcome, table
from tests.faults.rig import Rig

RESULTS = Path(__file__).with_name("results")


class Job(NamedTuple):
    name: str
    seed: int


def main() -> int:
    options = _options()
    outcomes = list(run(_jobs(options), options.rigs, options.minutes * 60))
    text = table(outcomes, {name: scenario.repetitions for name, scenario in SCENARIOS.items()})
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "faults.md").write_text(text)
    print("\n" + text)
    return 0 if outcomes and all(outcome.passed for outcome in outcomes) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="scenarios whose name contains this")
    parser.add_argument("--repetitions", type=int, help="of each scenario [default: its own]")
    parser.add_argument("--minutes", type=float, default=40, help="start nothing new after this time")
    parser.add_argument("--rigs", type=int, default=2, help="how many run side by side")
    parser.add_argument("--seed", type=int, default=1, help="of the first repetition")
    return parser.parse_args()


def _jobs(options: argparse.Namespace) -> list[Job]:
    """Repetition by repetition, so that running out of time costs every scenario the same."""
    chosen = [
        scenario
        for name, scenario in SCENARIOS.items()
        if not options.only or any(part in name for part in options.only)
    ]
    if not chosen:
        sys.exit(f"no scenario is named so; there are: {', '.join(SCENARIOS)}")
    jobs = []
    for scenario in chosen:
        count = options.repetitions or scenario.repetitions
        # Scenarios with few repetitions are spread over the whole run.
        for number in range(count):
            jobs.append(((number + 0.5) / count, Job(scenario.name, options.seed + number)))
    random.Random(0).shuffle(jobs)
    return [job for _, job in sorted(jobs, key=lambda pair: pair[0])]


def run(jobs: list[Job], rigs: int, seconds: float) -> Iterator[Outcome]:
    """Outcomes as they come, printed as they come."""
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    for job in jobs:
        todo.put(job)
    deadline = time.time() + seconds
    processes = [context.Process(target=_work, args=(todo, done, deadline)) for _ in range(rigs)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes) or not done.empty():
        try:
            outcome: Outcome = done.get(timeout=1)
        except queue.Empty:
            continue
        print(outcome.line(), flush=True)
        yield outcome


def _work(todo: Any, done: Any, deadline: float) -> None:
    """One rig: takes jobs until there are none, or no time."""
    rig = None
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as directory:
        try:
            rig = Rig(Path(directory))
            while time.time() < deadline:
                done.put(_run(rig, todo.get(timeout=1)))
        except queue.Empty:
            return
        finally:
            if rig is not None:
                rig.stop()


def _run(rig: Rig, job: Job) -> Outcome:
    started = time.monotonic()
    findings, error = Findings(), ""
    try:
        rig.begin()
        SCENARIOS[job.name].run(rig, job.seed)
    except VerdictFailed as failed:
        findings, error = failed.findings, str(failed)
    except Exception:
        error = traceback.format_exc()
        findings.wrong += 1
    finally:
        rig.ensure_servers()
        rig.stop_workers()
    if error:
        _keep_logs(rig, job)
    return Outcome(
        job.name,
        job.seed,
        findings.lost,
        findings.duplicated,
        findings.wrong,
        rig.recovery_seconds,
        time.monotonic() - started,
        error,
    )


def _keep_logs(rig: Rig, job: Job) -> None:
    for log in rig.data_dir.glob("worker-*/worker.log"):
        kept = RESULTS / "logs" / f"{job.name}, seed {job.seed}" / f"{log.parent.name}.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, kept)
