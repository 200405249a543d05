"""From rows of a view by period to what a table and a chart show of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.ops.report.periods import Grain, label, period_of
from streams.ops.report.reading import Scope
from streams.ops.report.sections import Column, Lines, Row, Series


def labelled(rows: Iterable[Row], start: str, grain: Grain, scope: Scope) -> tuple[Row, ...]:
    """The rows with `period`, which says so where the period has not ended, and `has_ended`."""
    running = period_of(scope.as_of.date(), grain) if scope.past is None else None
    return tuple(
        {
            **row,
            "period": label(row[start], grain) + (" so far" if row[start] == running else ""),
            "has_ended": row[start] != running,
        }
        for row in rows
    )


def ended(rows: Sequence[Row]) -> list[Row]:
    """Charts leave the running period out: its counts would look like a fall."""
    return [row for row in rows if row["has_ended"]]


def is_chart(rows: Sequence[Row]) -> bool:
    return len(ended(rows)) > 1


def lines(rows: Sequence[Row], columns: Sequence[Column], *keys: str) -> tuple[Lines, ...]:
    return (Lines(labels(rows), series(rows, columns, *keys)),) if is_chart(rows) else ()


def labels(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row["period"] for row in ended(rows))


def series(rows: Sequence[Row], columns: Sequence[Column], *keys: str) -> tuple[Series, ...]:
    by_key = {column.key: column for column in columns}
    return tuple(_one_series(ended(rows), by_key[key]) for key in keys)


def _one_series(rows: Sequence[Row], column: Column) -> Series:
    return Series(column.heading, tuple(row[column.key] for row in rows), column.show, column.meaning)
