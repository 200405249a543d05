"""Measurements as a table on the screen and as CSV beside the plots."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

RESULTS: Final = Path(__file__).with_name("results")
#: An option of every command.
Write = Annotated[
    bool, typer.Option("--write/--no-write", help="Write the CSV; not for a try at small size.")
]

_WIDTH: Final = 130


def as_command(main: Callable[..., None]) -> None:
    """Run `main` with the options of the command line."""
    # Topics that were made a moment ago have no leader yet; clients warn of it, and try again.
    logging.basicConfig(level=logging.ERROR)
    typer.run(main)


def report(name: str, title: str, rows: Sequence[NamedTuple], write: bool) -> None:
    """Print the rows, and with `write` put them into `results/NAME.csv`."""
    show(title, rows)
    if write:
        print(f"written to {save(name, rows)}")


def show(title: str, rows: Sequence[NamedTuple]) -> None:
    """Print rows of one kind; their fields are the headings."""
    table = Table(title=title)
    for name in rows[0]._fields:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    Console(width=_WIDTH, highlight=False).print(table)


def save(name: str, rows: Sequence[NamedTuple], directory: Path = RESULTS) -> Path:
    """Write rows of one kind to `NAME.csv`, units being part of the headings."""
    path = directory / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0]._fields)
        writer.writerows([_rounded(value) for value in row] for row in rows)
    return path


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that is not exceeded by `percent` of them (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
