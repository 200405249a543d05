"""Prints what came out, view × client, at the end of the test run. A plugin: it works with xdist as well."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest

_PROPERTY: Final = "bi_matrix"
_WIDTH: Final = 20


class Cell(NamedTuple):
    """Columns stand in the order of `number`."""

    row: str
    number: int
    column: str
    outcome: str


def note(request: pytest.FixtureRequest, cell: Cell) -> None:
    """Put a cell into the table."""
    request.node.user_properties.append((_PROPERTY, tuple(cell)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    cells = [
        Cell(*values)
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, values in getattr(report, "user_properties", ())
        if name == _PROPERTY
    ]
    if cells:
        terminalreporter.section("views × BI clients")
        for line in table(cells):
            terminalreporter.write_line(line)


def table(cells: list[Cell]) -> list[str]:
    """A line of the clients' names, then one per row; a dot for what was not noted."""
    columns = [name for _, name in sorted({(cell.number, cell.column) for cell in cells})]
    outcomes = {(cell.row, cell.column): cell.outcome for cell in cells}
    rows = sorted({cell.row for cell in cells})
    lines = [
        ["", *columns],
        *([row, *(outcomes.get((row, column), "·") for column in columns)] for row in rows),
    ]
    widest = max(map(len, rows)) + 2
    return [
        (first.ljust(widest) + "".join(text.ljust(_WIDTH) for text in rest)).rstrip()
        for first, *rest in lines
    ]
