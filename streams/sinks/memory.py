"""A sink that keeps rows in lists and answers like ClickHouse does with FINAL."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson

from schemas.events import is_engagement
from schemas.fields import ANONYMOUS_PREFIX
from schemas.rows import (
    Customer5mRow,
    CustomerDailyRow,
    CustomerTransitionRow,
    EventRow,
    IdentityLinkRow,
    Row,
    columns,
)
from streams.core.fold import ORDER
from streams.core.identity import Claim, Link
from streams.core.project import Cells, Columns
from streams.core.refold import FactRow
from streams.core.restate import Fact
from streams.core.status import DEFAULT_POPULATION_GAP_DAYS
from streams.core.windows import day_of
from streams.sinks.base import Cell, Clock, FactKey, NotStorable, StoredLink

#: Cells of `project.transition_row`.
_TRANSITION_CELLS = columns(CustomerTransitionRow).index("is_retracted")


class MemorySink:
    """For tests of the pipeline.

    `now_ms` and `population_gap_days` are what `clock` answers; `refuse` says why a row (a dict by column)
    cannot be stored, or None.
    """

    def __init__(self, refuse: Callable[[dict[str, Any]], str | None] = lambda row: None) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.now_ms = 0
        self.population_gap_days = DEFAULT_POPULATION_GAP_DAYS
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
        for record in self._facts():
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

    def claims(self, anonymous_ids: Collection[str]) -> list[Claim]:
        found = []
        for record in self._facts():
            customer_id = record["customer_id"]
            previous_id = orjson.loads(record["properties"]).get("previous_id")
            claimed = {"identify": record["anonymous_id"], "alias": previous_id}.get(record["type"])
            if claimed and not customer_id.startswith(ANONYMOUS_PREFIX):
                found.append(
                    Claim(ANONYMOUS_PREFIX + claimed, customer_id, record["occurred_at"], record["event_id"])
                )
        return [claim for claim in found if claim.anonymous_id in anonymous_ids]

    def links(
        self, *, anonymous_ids: Collection[str] = (), customer_ids: Collection[str] = ()
    ) -> list[StoredLink]:
        rows = self.final(
            IdentityLinkRow.TABLE, "anonymous_id", "claimed_at", "event_id", "customer_id"
        ).values()
        return [
            StoredLink(
                Link(
                    row["anonymous_id"],
                    row["customer_id"],
                    (row["claimed_at"], row["event_id"]),
                    (row["valid_from"], row["valid_from_event_id"]),
                    (row["valid_until"], row["valid_until_event_id"]),
                ),
                bool(row["is_void"]),
            )
            for row in rows
            if row["anonymous_id"] in anonymous_ids or row["customer_id"] in customer_ids
        ]

    def history(self, customer_ids: Collection[str]) -> list[FactRow]:
        columns = (
            "customer_id", "event_id", "channel", "type", "occurred_at", "properties",
            "source_topic", "source_partition", "source_offset", "appended_at",
        )  # fmt: skip
        facts = [record for record in self._facts() if record["customer_id"] in customer_ids]
        return [[record[column] for column in columns] for record in facts]

    def filled(self, since_ms: Mapping[str, int]) -> list[Cell]:
        days = self.final(CustomerDailyRow.TABLE, "customer_id", "day", "channel").values()
        fives = self.final(Customer5mRow.TABLE, "customer_id", "bucket_at", "channel").values()
        return [
            *(
                Cell(row["customer_id"], True, row["day"], row["channel"])
                for row in days
                if row["events"] and row["customer_id"] in since_ms
            ),
            *(
                Cell(row["customer_id"], False, row["bucket_at"] // 300, row["channel"])
                for row in fives
                if row["events"] and row["bucket_at"] * 1000 >= since_ms.get(row["customer_id"], math.inf)
            ),
        ]

    def transitions(self, customer_ids: Collection[str]) -> list[Cells]:
        rows = self.final(CustomerTransitionRow.TABLE, "customer_id", "changed_at", "to_status").values()
        return [
            tuple(row.values())[:_TRANSITION_CELLS]
            for row in rows
            if row["customer_id"] in customer_ids and not row["is_retracted"]
        ]

    def clock(self) -> Clock:
        return Clock(self.now_ms, self.population_gap_days)

    def _facts(self) -> Collection[dict[str, Any]]:
        return self.final(EventRow.TABLE, "customer_id", "occurred_at", "event_id").values()

    def interrupt(self) -> None:
        """Nothing here ever waits."""

    def resume(self) -> None:
        """Nothing here ever waits."""


def _version(record: dict[str, Any]) -> tuple[int, int]:
    if "appended_at" in record:
        return -record["appended_at"], -record["source_offset"]
    return record.get("epoch", 0), record.get("n_applied", record.get("n_claims", 0))
