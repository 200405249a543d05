"""Every view through every client of BI tools: names, types, comments and values are those of plain HTTP."""

from __future__ import annotations

import re

import pytest

from tests.bi.clients import CLIENTS, Client
from tests.bi.conftest import ReadBy
from tests.bi.matrix import Cell, note
from tests.bi.place import PARAMETRIZED, Place, as_value, relation_of
from tests.bi.reading import Cell as Value
from tests.bi.reading import Column, Reading
from tests.sql.test_view_contract import VIEWS

# The first reading of a client waits for what Maven, npm or Go fetches.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = sorted({view.partition("(")[0] for view in VIEWS})
#: Grows while the clients read.
MOVING = "freshness_seconds"

every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


def settle(request: pytest.FixtureRequest, row: str, client: Client, problem: str) -> None:
    """Write what came of a check into the matrix, and fail if it is not well."""
    outcome = problem.partition(":")[0] or "ok"
    note(request, Cell(row, CLIENTS.index(client), client.name, outcome))
    assert not problem


@every_client
def test_a_client_finds_the_views_and_nothing_else(
    client: Client, read_by: ReadBy, place: Place, request: pytest.FixtureRequest
) -> None:
    reading = read_by(client)
    problem = "" if sorted(reading.views) == place.views() == NAMES else f"list: {reading.views}"
    settle(request, "(lists the views only)", client, problem)
    assert [[reading.version]] == place.rows("SELECT version()")


@every_client
@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("refused", r"bi_reader: Not enough privileges: events may not be read, only views v_\*"),
        ("wrong_name", "Unknown table expression identifier 'v_no_such_view'"),
        ("wrong_column", "Unknown expression identifier `no_such_column`"),
    ],
)
def test_a_client_shows_what_is_wrong(
    client: Client, step: str, says: str, read_by: ReadBy, request: pytest.FixtureRequest
) -> None:
    message = read_by(client).failures.get((step, ""), "nothing")
    problem = "" if re.search(says, message) else f"says {message}"
    settle(request, f"({step.replace('_', ' ')}: in words)", client, problem)


@every_client
def test_a_long_result_arrives_whole(client: Client, read_by: ReadBy, request: pytest.FixtureRequest) -> None:
    want = 300_000, sum(number + len(str(number)) for number in range(300_000))
    long = read_by(client).long
    settle(request, "(300,000 rows)", client, "" if long == want else f"long: {long}")


@every_client
def test_the_tool_gets_what_it_asks_of_its_own_accord(
    client: Client, read_by: ReadBy, request: pytest.FixtureRequest
) -> None:
    reading = read_by(client)
    problems = [
        f"asks: {sql}: {reading.failures.get(('statement', sql), 'no rows')}"
        for sql in client.tool.asks
        if not reading.statements.get(sql)
    ]
    settle(request, "(what the tool asks)", client, "; ".join(problems))
    for sql in client.tool.refused:
        assert "Not enough privileges" in reading.failures["statement", sql]


@every_client
@pytest.mark.parametrize("view", NAMES)
def test_a_view_reads_the_same(
    client: Client, view: str, read_by: ReadBy, place: Place, request: pytest.FixtureRequest
) -> None:
    settle(request, view, client, difference(read_by(client), view, place))


def difference(reading: Reading, view: str, place: Place) -> str:
    """Which step went wrong, and how; '' if none did."""
    relation, columns = relation_of(view), place.columns(view)
    failed = [f"{step}: {why}" for (step, about), why in reading.failures.items() if about == view]
    if failed:
        return failed[0]
    if relation != PARAMETRIZED and reading.columns[view] != columns:
        return f"describe: {reading.columns[view]}"
    rows = place.rows(f"SELECT * FROM {relation} ORDER BY ALL")
    if not rows or not reading.counts[view] == len(reading.rows(view)) == len(rows):
        return f"count: {reading.counts[view]}, {len(reading.rows(view))} of {len(rows)}"
    if len(rows) > 1 and len(reading.pages[view]) < 2:
        return "page: all at once"
    return unlike(columns or parametrized_columns(place), rows, reading.rows(view))


def parametrized_columns(place: Place) -> list[Column]:
    described = place.rows(f"DESCRIBE TABLE (SELECT * FROM {PARAMETRIZED})")
    return [Column(str(row[0]), str(row[1]), "") for row in described]


def unlike(columns: list[Column], want: list[list[Value]], got: list[list[Value]]) -> str:
    """The first cell that differs."""
    for number, (wanted, found) in enumerate(zip(want, got, strict=True)):
        for column, *cells in zip(columns, wanted, found, strict=True):
            expected, actual = map(as_value(column.type), cells)
            if expected != actual and not has_moved(column, expected, actual):
                return f"values: {column.name} of row {number} is {actual!r}, not {expected!r}"
    return ""


def has_moved(column: Column, *values: float | Value) -> bool:
    """Of the one figure that goes by the clock on the wall, only that it is a figure can be said."""
    return column.name == MOVING and all(isinstance(value, float) for value in values)
