"""Prints what came out, view × client, at the end of the test run. A plugin: it works with xdist as well."""

from __future__ import annotations

from typing import Final

import pytest

from tests.bi.clients import CLIENTS

_PROPERTY: Final = "bi_matrix"
_WIDTH: Final = 20


def note(request: pytest.FixtureRequest, row: str, column: str, outcome: str) -> None:
    """Put `outcome` into a cell of the table."""
    request.node.user_properties.append((_PROPERTY, (row, column, outcome)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    cells = {
        (row, column): outcome
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, (row, column, outcome) in getattr(report, "user_properties", ())
        if name == _PROPERTY
    }
    if cells:
        terminalreporter.section("views × BI clients")
        for line in table(cells):
            terminalreporter.write_line(line)


def table(cells: dict[tuple[str, str], str]) -> list[str]:
    """One line per row of `cells` in their order, under a line of the clients' names."""
    columns = [client.name for client in CLIENTS]
    rows = list(dict.fromkeys(row for row, _ in cells))
    widest = max(map(len, rows))
    lines = [["", *columns], *([row, *(cells.get((row, column), "·") for column in columns)] for row in rows)]
    return [
        (first.ljust(widest + 2) + "".join(cell.ljust(_WIDTH) for cell in rest)).rstrip()
        for first, *rest in lines
    ]
