"""`engage rebuild`: state, changelog and rows anew from the facts."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.config import load_settings


def rebuild(
    from_start: Annotated[
        bool,
        typer.Option(
            "--from-start", help="Have the workers read Kafka from its beginning, not from where facts end."
        ),
    ] = False,
) -> None:
    """Rebuild worker state, changelog and per-customer rows from the facts in ClickHouse.

    For when a worker stops because topics, state and database do not belong together: a database that was
    wiped, a topic that was deleted, a disk from an old backup. Stop all workers first. An interrupted
    rebuild goes on where it stopped. Started again, the workers read from Kafka what the facts lack.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from streams.ops.rebuild import rebuild as run

    settings = load_settings()
    columns = (TextColumn("customers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("rebuild", total=None)
        customers = run(
            settings,
            from_start=from_start,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    typer.echo(f"rebuilt {customers} customers; start the workers again")
