"""From the name of a view and conditions to one statement. Values are bound, names come from ClickHouse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from streams.errors import EngageError, MigrationError
from streams.ops.export.conditions import Condition

_VIEWS: Final = """
SELECT name, create_table_query FROM system.tables
WHERE database = currentDatabase() AND engine = 'View' AND startsWith(name, 'v_')
ORDER BY name
"""
_PARAMETER: Final = re.compile(r"\{(\w+):")


class Selection(NamedTuple):
    """A SELECT without FORMAT, the values for its `{name:String}`, and the columns of its result."""

    sql: str
    parameters: dict[str, str]
    columns: tuple[str, ...]


def select(client: Client, view: str, conditions: Sequence[Condition] = ()) -> Selection:
    """All columns of a view, of the rows that meet all conditions.

    `name=value` on a parameter of the view, such as `cutoff` of v_purchase_summary_at, gives it its value.

    Raises:
        EngageError: there is no such view or column, or a parameter has no value.
        MigrationError: there are no views.
    """
    parameters = _parameters(client, view)
    given = {one.name: one.value for one in conditions if one.name in parameters and one.operator == "="}
    if missing := [name for name in parameters if name not in given]:
        raise EngageError(f"{view} needs a value: --where {missing[0]}=…")
    source = _called(view, parameters)
    columns = _columns(client, source, given)
    filters = [one for one in conditions if one.name not in given]
    for one in filters:
        _check(one.name, columns, f"{view} has no column")
    clauses = [f"{one.name} {one.operator} {{where_{n}:String}}" for n, one in enumerate(filters)]
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    values = {f"where_{number}": one.value for number, one in enumerate(filters)}
    return Selection(f"SELECT * FROM {source}{where}", {**given, **values}, columns)  # noqa: S608


def _parameters(client: Client, view: str) -> list[str]:
    """Names of the parameters of a view that is known to exist."""
    definitions = {name: str(definition) for name, definition in client.query(_VIEWS).result_rows}
    if not definitions:
        raise MigrationError("ClickHouse has no views here: run `engage migrate`")
    _check(view, definitions, "no view")
    return list(dict.fromkeys(_PARAMETER.findall(definitions[view])))


def _called(view: str, parameters: Iterable[str]) -> str:
    arguments = ", ".join(f"{name} = {{{name}:String}}" for name in parameters)
    return f"{view}({arguments})" if arguments else view


def _columns(client: Client, source: str, given: dict[str, str]) -> tuple[str, ...]:
    described = client.query(f"DESCRIBE TABLE (SELECT * FROM {source})", parameters=given)  # noqa: S608
    return tuple(row[0] for row in described.result_rows)


def _check(name: str, known: Iterable[str], wrong: str) -> None:
    names = list(known)
    if name not in names:
        (nearest,) = get_close_matches(name, names, n=1, cutoff=0.0)
        raise EngageError(f"{wrong} {name!r}: did you mean {nearest}?")
