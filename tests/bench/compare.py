"""Our worker beside its peers and its limits: the same machine, the same records, the same counts."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Optional

import typer
from rich.console import Console

from schemas.topics import SOURCE_TOPICS
from tests.bench.catalogue import CONTENDERS, Contender
from tests.bench.contenders.task import Task
from tests.bench.report import Result, as_json, promises, table
from tests.bench.run import Measured, run
from tests.bench.servers import Servers
from tests.bench.workload import Workload, records

RESULTS: Final = Path(__file__).with_name("results") / "bench.json"

_PARTITIONS: Final = 8
_WIDTH: Final = 110
_EVENTS_PER_CUSTOMER: Final = 10
#: With fewer, the busiest customer has so many events that the peers, with 64 ids per channel, miss retries.
_LEAST_CUSTOMERS: Final = 10_000


def main(
    only: Annotated[
        Optional[list[str]],  # noqa: UP045 (typer reads it on Python 3.10 too)
        typer.Option(help="Run this contender and no other (again for more); results are not written."),
    ] = None,
    events: Annotated[int, typer.Option(envvar="BENCH_EVENTS", help="Records, with retries.")] = 1_000_000,
    repetitions: Annotated[
        int, typer.Option(envvar="BENCH_REPETITIONS", help="Runs of each; medians are reported.")
    ] = 3,
) -> None:
    """Run every contender on the same preloaded records, print a table and write results/bench.json."""
    console = Console(width=_WIDTH, highlight=False)
    workload = workload_of(events)
    results = compare(_chosen(only), workload, repetitions, console)
    console.print(table(results))
    console.print(promises(results))
    if not only:
        RESULTS.write_text(as_json(results, workload))
        console.print(f"written to {RESULTS}")


def compare(
    contenders: Sequence[Contender], workload: Workload, repetitions: int, console: Console
) -> list[Result]:
    """Run the contenders in turn, again and again, so that a slow spell of the machine meets all of them."""
    runs: dict[str, list[Measured]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="engage-bench-") as path, Servers(Path(path)) as servers:
        inputs = Inputs(servers, workload, contenders)
        for repetition in range(repetitions):
            for contender in contenders:
                measured = inputs.run(contender, f"{contender.name}_{repetition}")
                runs[contender.name].append(measured)
                console.print(_line(contender, measured))
    return [Result(contender, runs[contender.name]) for contender in contenders]


class Inputs:
    """Topics, and files where they are needed, for each share of the workload that is read."""

    def __init__(self, servers: Servers, workload: Workload, contenders: Sequence[Contender]) -> None:
        self._servers = servers
        self._events = workload.events
        for share in {contender.share for contender in contenders}:
            servers.preload(self._part(share), _PARTITIONS, _prefix(share))
        for share in {contender.share for contender in contenders if contender.reads_files}:
            _write_files(self._part(share), self._files(share))

    def run(self, contender: Contender, name: str) -> Measured:
        """One run; `name` is that of its group and its database."""
        settings = self._servers.settings(name)
        task = Task(
            name=name,
            kafka=settings.kafka_bootstrap,
            clickhouse_url=settings.clickhouse_url,
            topics=[_prefix(contender.share) + topic for topic in SOURCE_TOPICS],
            files=[str(path) for path in self._files(contender.share)],
            directory=str(settings.data_dir),
        )
        return run(contender, self._servers, self._part(contender.share), task)

    def _part(self, share: float) -> Workload:
        return workload_of(int(self._events * share))

    def _files(self, share: float) -> list[Path]:
        return [self._servers.directory / f"{_prefix(share)}{topic}.jsonl" for topic in SOURCE_TOPICS]


def workload_of(events: int) -> Workload:
    """Ten events per customer: on the whole the workload's default proportions."""
    return Workload(events, max(_LEAST_CUSTOMERS, events // _EVENTS_PER_CUSTOMER))


def _prefix(share: float) -> str:
    return "" if share == 1 else f"part-{share:g}."


def _write_files(workload: Workload, paths: Sequence[Path]) -> None:
    files = {topic: path.open("wb") for topic, path in zip(SOURCE_TOPICS, paths, strict=True)}
    for record in records(workload, _PARTITIONS):
        files[record.topic].write(record.value + b"\n")
    for file in files.values():
        file.close()


def _chosen(only: Sequence[str] | None) -> list[Contender]:
    unknown = set(only or ()) - {contender.name for contender in CONTENDERS}
    if unknown:
        raise typer.BadParameter(f"no contender {', '.join(sorted(unknown))}", param_hint="--only")
    return [contender for contender in CONTENDERS if not only or contender.name in only]


def _line(contender: Contender, measured: Measured) -> str:
    return (
        f"{contender.name}: {measured.events / measured.seconds:,.0f} events/s, "
        f"{measured.events / measured.worker_cpu_seconds:,.0f} per core, {measured.peak_mib:,.0f} MiB"
    )
