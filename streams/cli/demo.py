"""`engage demo`: everything on this machine, with made-up traffic and a view of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from streams.config import load_settings


def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="Send 5,000 records, wait for them, check all counts, print them, end."),
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, max=5_000, help="Records per second.", show_default="50, with --once 1000"),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Directory of all data, kept.", show_default="demo in ENGAGE_DATA_DIR or .data"),
    ] = None,
) -> None:
    """Run Kafka, ClickHouse, a worker and the live page on free ports, with events of a made-up shop.

    Ctrl-C stops everything. The data is kept, and may be used again.
    """
    from rich.console import Console

    from streams.cli.demo_live import show
    from streams.cli.demo_once import run
    from streams.cli.demo_stack import running_stack

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(number, signal.default_int_handler)
    console = Console()
    directory = (data_dir or load_settings().data_dir / "demo").resolve()
    typer.echo(f"starting Kafka, ClickHouse and a worker, data in {directory}")
    try:
        with running_stack(directory, with_dashboard=not once) as stack:
            if not once:
                show(stack, rate or 50.0, console)
            adds_up = run(stack, rate or 1_000.0, console)
    except KeyboardInterrupt:
        console.print("stopped")
        adds_up = not once
    if not adds_up:
        raise typer.Exit(1)
