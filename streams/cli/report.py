"""`engage report`: the retention picture, in the terminal or as a page."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from streams.config import load_settings
from streams.errors import EngageError
from streams.ops.report.periods import Basis, Grain


def report(
    grain: Annotated[Grain, typer.Option(help="Length of the periods.")] = Grain.MONTH,
    basis: Annotated[
        Basis, typer.Option(help="What holds a customer: an order, or any engagement.")
    ] = Basis.PURCHASE,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The picture at the end of a past UTC date: only what had ended by then.",
            show_default="now, by v_clock",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one page with charts that needs no network.")
    ] = None,
) -> None:
    """Show retention, cohorts, lifecycle, repeat purchase, satisfaction, hand-over and goals.

    Formulas stand below the tables; on the page they also show when pointed at.
    """
    from streams.cli.results import page_console
    from streams.ops.clickhouse_client import open_client
    from streams.ops.report.contents import report as contents
    from streams.ops.report.reading import read_figures

    with open_client(load_settings()) as client:
        figures = read_figures(client, grain, basis, None if as_of is None else as_of.date())
    made = contents(figures)
    if html is None:
        from streams.cli.report_screen import report_screen

        console = page_console()
        console.print(report_screen(made, console.width))
    else:
        from streams.ops.report.page import page

        _write(html, page(made))
        typer.echo(f"wrote {html}", err=True)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EngageError(f"cannot write {file}: {error.strerror}") from error
