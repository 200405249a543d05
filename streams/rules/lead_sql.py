"""Lead rules as SQL: which facts become rows of `lead_events`.

Rules are typed by people, properties are sent by anybody: texts are escaped, and each condition has an answer
for any JSON. A property that is missing, null, or of another kind than the value fulfils no criterion, with
one exception: whatever is there is `not_equals` to a value of another kind.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from clickhouse_connect.driver.binding import format_str

from streams.rules.model import Criterion, LeadRule, Rules

COLUMNS: Final = ("customer_id", "rule", "part", "occurred_at", "event_id", "points", "is_once", "parts")

_MATCHES: Final = "Array(Tuple(rule String, part UInt8, points Int32, is_once UInt8, parts UInt8))"
_SIGNS: Final = {"equals": "=", "at_least": ">=", "at_most": "<="}


class _Part(NamedTuple):
    """A rule's criteria on one event type: all of them hold on one and the same event."""

    rule: LeadRule
    #: From 1, in the order in which the rule names its types.
    number: int
    #: How many types the rule has.
    n_parts: int
    type: str
    criteria: tuple[Criterion, ...]


def lead_select(rules: Rules, source: str) -> str:
    """The SELECT of `COLUMNS` from `source`, a table or subquery with the columns of `events`.

    One row for each event and each part of a rule that it fulfils. The type is looked at first, as most
    events are no rule's business.
    """
    parts = [part for rule in rules.lead for part in _parts(rule)]
    types = ", ".join(_literal(name) for name in dict.fromkeys(part.type for part in parts))
    matches = ",\n            ".join(_match(part) for part in parts)
    holds = ",\n            ".join(_holds(part) for part in parts)
    return f"""SELECT
    customer_id,
    match.rule AS rule,
    match.part AS part,
    occurred_at,
    event_id,
    match.points AS points,
    match.is_once AS is_once,
    match.parts AS parts
FROM
(
    SELECT
        customer_id,
        occurred_at,
        event_id,
        arrayFilter((match, holds) -> holds, CAST([
            {matches}
        ], '{_MATCHES}'), CAST([
            {holds}
        ], 'Array(UInt8)')) AS matches
    FROM {source}
    WHERE type IN [{types}]
)
ARRAY JOIN matches AS match"""  # noqa: S608 (texts are escaped by _literal)


def _parts(rule: LeadRule) -> list[_Part]:
    types = list(dict.fromkeys(criterion.type for criterion in rule.when))
    return [
        _Part(rule, number, len(types), name, tuple(c for c in rule.when if c.type == name))
        for number, name in enumerate(types, start=1)
    ]


def _match(part: _Part) -> str:
    rule = part.rule
    return f"({_literal(rule.name)}, {part.number}, {rule.points}, {int(rule.once)}, {part.n_parts})"


def _holds(part: _Part) -> str:
    # AND evaluates what is on its right only where the left holds: JSON of other types is not read.
    conditions = [_condition(criterion) for criterion in part.criteria if criterion.property is not None]
    return " AND ".join([f"type = {_literal(part.type)}", *conditions])


def _condition(criterion: Criterion) -> str:
    json, value = f"properties, {_literal(criterion.property or '')}", criterion.value
    if value is None:
        return f"JSONType({json}) != 'Null'"
    if criterion.op == "not_equals":
        return f"JSONType({json}) != 'Null' AND NOT ({_compared(json, 'equals', value)})"
    return f"({_compared(json, criterion.op, value)})"


def _compared(json: str, op: str, value: str | bool | int | float) -> str:
    """`json`: the arguments by which a JSON function finds the property."""
    if isinstance(value, str):
        return f"{_text_compared(f'JSONExtractString({json})', op, value)} AND JSONType({json}) = 'String'"
    if isinstance(value, bool):
        return f"JSONType({json}) = 'Bool' AND JSONExtractBool({json}) = {int(value)}"
    # Each kind of number as what it is: two large integers may be the same floating-point number.
    comparison = f"{_SIGNS[op]} {_literal(value)}"
    return (
        f"JSONType({json}) = 'Int64' AND JSONExtractInt({json}) {comparison}"
        f" OR JSONType({json}) = 'Double' AND JSONExtractFloat({json}) {comparison}"
    )


def _text_compared(text: str, op: str, value: str) -> str:
    if op == "equals":
        return f"{text} = {_literal(value)}"
    function = "startsWith" if op == "starts_with" else "position"
    return f"{function}({text}, {_literal(value)}) > 0"


def _literal(value: str | int | float) -> str:
    """The value as ClickHouse reads it in a statement. Numbers are finite."""
    return format_str(value).replace("\0", "\\0") if isinstance(value, str) else repr(value)
