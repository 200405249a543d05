"""Rows of the peers on their way to ClickHouse: inserted in columns by clickhouse-connect, as ours are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import clickhouse_connect

from schemas.rows import CustomerDailyRow, EventRow, Row, column_types, columns


class Batch(NamedTuple):
    facts: list[tuple[Any, ...]]
    days: dict[tuple[Any, ...], tuple[Any, ...]]


class Rows:
    """Facts and days that wait to be inserted. Of a customer's day only the newest row is."""

    def __init__(self, clickhouse_url: str) -> None:
        url = urlsplit(clickhouse_url)
        self._client = clickhouse_connect.get_client(
            host=url.hostname, port=url.port, database=url.path.strip("/"), autogenerate_session_id=False
        )
        self._waiting = Batch([], {})

    def __len__(self) -> int:
        return len(self._waiting.facts)

    def add(self, fact: tuple[Any, ...], day: tuple[Any, ...]) -> None:
        self._waiting.facts.append(fact)
        self._waiting.days[day[:3]] = day

    def take(self) -> Batch:
        """All that waits; nothing waits afterwards."""
        taken, self._waiting = self._waiting, Batch([], {})
        return taken

    def insert(self, batch: Batch) -> None:
        """Insert what was taken; it is visible when this returns."""
        self._insert(EventRow, batch.facts)
        self._insert(CustomerDailyRow, batch.days.values())

    def _insert(self, row: type[Row], data: Collection[tuple[Any, ...]]) -> None:
        if data:
            self._client.insert(
                row.TABLE,
                list(zip(*data, strict=True)),
                column_names=columns(row),
                column_type_names=column_types(row),
                column_oriented=True,
            )
