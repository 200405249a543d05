"""`engage restate`: put changed rules in force."""

from __future__ import annotations

import typer

from streams.config import load_settings


def restate() -> None:
    """Put changed rules (ENGAGE_RULES_FILE) in force: weights and caps, lead rules, churn.

    The stream runs on meanwhile, and views switch over when everything follows the new rules. An interrupted
    restate goes on when it is run again. Workers need not stop; from then on they start with these rules
    only.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from streams.ops.restate import restate as run

    settings = load_settings()
    columns = (TextColumn("restating"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("restate", total=None)
        differing = run(
            settings,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if differing is None:
        typer.echo("nothing to do: these rules are in force")
    else:
        typer.echo(f"the rules are in force now ({differing})")
