"""`engage up`: Kafka, ClickHouse, the workers and the live page on this machine, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.config import Clock

_DEFAULT_HEAP_MIB = 512


def up(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Directory of all data, kept over restarts.", show_default="ENGAGE_DATA_DIR or .data"
        ),
    ] = None,
    kafka_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Kafka's port on 127.0.0.1; 0 takes any free one.")
    ] = 9092,
    clickhouse_port: Annotated[
        int, typer.Option(min=0, max=65535, help="ClickHouse's HTTP port on 127.0.0.1; 0 takes any free one.")
    ] = 8123,
    dashboard_port: Annotated[
        int, typer.Option(min=0, max=65535, help="The live page's port on 127.0.0.1; 0 takes any free one.")
    ] = 8088,
    dashboard: Annotated[bool, typer.Option(help="Serve the live page.")] = True,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Number of worker processes.")] = 1,
    partitions: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1024,
            help="Partitions of every topic, when created.",
            show_default="ENGAGE_PARTITIONS or 8",
        ),
    ] = None,
    clock: Annotated[
        Clock | None,
        typer.Option(
            help="What figures hold for: `wall` now, `event` the newest event (history).",
            show_default="ENGAGE_CLOCK or wall",
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(
            help="Write addresses and pids to this JSON file once everything serves.", show_default="none"
        ),
    ] = None,
    kafka_heap_mib: Annotated[
        int, typer.Option(min=128, help="Kafka's largest Java heap, in MiB.")
    ] = _DEFAULT_HEAP_MIB,
) -> None:
    """Run Kafka, ClickHouse, the workers and the live page on this machine until Ctrl-C.

    Everything listens on 127.0.0.1 only. Topics and tables are created. A process that dies is started again.
    """
    from streams.cli.local_stack import StackOptions, run_local_stack

    run_local_stack(
        StackOptions(
            data_dir=data_dir,
            kafka_port=kafka_port,
            clickhouse_port=clickhouse_port,
            workers=workers,
            partitions=partitions,
            clock=clock,
            ready_file=ready_file,
            kafka_heap_mib=kafka_heap_mib,
            dashboard_port=dashboard_port if dashboard else None,
        ),
        say=lambda line: typer.echo(line, err=True),
    )
