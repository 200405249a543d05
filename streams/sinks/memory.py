"""A sink that keeps rows in lists and answers like ClickHouse does with FINAL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

import orjson

from schemas.events import is_engagement
from schemas.rows import EventRow, Row, columns
from streams.core.fold import ORDER
from streams.core.project import Columns
from streams.core.restate import Fact
from streams.core.windows import day_of
from streams.sinks.base import FactKey, NotStorable


class MemorySink:
    """For tests of the pipeline. `refuse` says why a row (a dict by column) cannot be stored, or None."""

    def __init__(self, refuse: Callable[[dict[str, Any]], str | None] = lambda row: None) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._refuse = refuse

    def insert(self, row: type[Row], data: Columns) -> None:
        refused = {}
        for index, values in enumerate(zip(*data, strict=True)):
            record = dict(zip(columns(row), values, strict=True))
            reason = self._refuse(record)
            if reason is None:
                self.rows[row.TABLE].append(record)
            else:
                refused[index] = reason
        if refused:
            raise NotStorable(refused)

    def final(self, table: str, *key: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The rows that hold: per key the one with the highest version, the last of equals.

        A fact's version falls with its append time and offset, so that the earliest delivery wins.
        """
        held: dict[tuple[Any, ...], dict[str, Any]] = {}
        for record in self.rows[table]:
            at = tuple(record[column] for column in key)
            if at not in held or _version(record) >= _version(held[at]):
                held[at] = record
        return held

    def facts(self, days: Collection[FactKey]) -> list[Fact]:
        found = []
        for record in self.final(EventRow.TABLE, "customer_id", "occurred_at", "event_id").values():
            day = day_of(record["occurred_at"])
            if (record["customer_id"], day) in days:
                properties = orjson.loads(record["properties"])
                found.append(
                    Fact(
                        record["customer_id"],
                        day,
                        record["channel"],
                        record["type"],
                        is_engagement(record["type"], properties),
                        record["occurred_at"],
                        record["event_id"],
                        properties["order_id"] if record["type"] == ORDER else "",
                    )
                )
        return found

    def interrupt(self) -> None:
        """Nothing here ever waits."""

    def resume(self) -> None:
        """Nothing here ever waits."""


def _version(record: dict[str, Any]) -> tuple[int, int]:
    if "appended_at" in record:
        return -record["appended_at"], -record["source_offset"]
    return record.get("epoch", 0), record.get("n_applied", 0)
