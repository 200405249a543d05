"""`engage verify`: the user's own audit."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.config import load_settings
from streams.errors import ConfigError


def verify(
    customers: Annotated[
        list[str] | None,
        typer.Option("--customers", metavar="ID", help="Audit this customer; may be given several times."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Audit so many customers at random; 1000 by default."),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Audit all customers.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Recompute published numbers from the facts, by a path of their own, and list disagreements.

    Numbers about all customers (retention, traffic, …) are audited too, unless --customers names some.

    The stream may run on meanwhile. Ends with status 1 if a number disagrees.
    """
    import json

    from streams.cli.results import plain
    from streams.cli.verify_progress import shown
    from streams.ops.verify import Audit
    from streams.ops.verify.report import line
    from streams.ops.verify.session import open_session

    if sum((bool(customers), sample is not None, is_all)) > 1:
        raise ConfigError("--customers, --sample and --all exclude each other: give one of them")
    settings = load_settings()
    with open_session(settings) as client, shown() as on_progress:
        audit = Audit(client, dedupe_horizon_days=settings.dedupe_horizon_days, on_progress=on_progress)
        if customers:
            report = audit.some(customers)
        else:
            report = audit.everyone() if is_all else audit.sample(sample or 1000)
    if as_json:
        typer.echo(json.dumps(report.as_json(), default=str, indent=2))
    else:
        for found in report.disagreements:
            typer.echo(plain(line(found)))
        typer.echo(report.summary)
        if report.unsettled:
            typer.echo(
                f"{len(report.unsettled)} more numbers changed at every look and were not settled", err=True
            )
    if report.disagreements:
        raise typer.Exit(1)
