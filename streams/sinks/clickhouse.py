"""ClickHouse over HTTP: columnar inserts that are tried until they succeed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final, TypeVar

import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError

from schemas.events import is_engagement
from schemas.rows import Row, column_types, columns
from streams.clickhouse import connect, one_line
from streams.config import Settings
from streams.core.identity import Claim
from streams.core.project import Cells, Columns
from streams.core.refold import FactRow
from streams.core.restate import Fact
from streams.core.windows import day_of
from streams.errors import ClickHouseUnavailable
from streams.sinks.base import Cell, Clock, FactKey, Interrupted, NotStorable, StoredLink
from streams.sinks.identity import query_claims, query_filled, query_history, query_links
from streams.sinks.queries import rows
from streams.sinks.status import query_clock, query_transitions
from streams.worker_metrics import WorkerMetrics

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Explicit, because defaults differ between versions and an administrator may have changed them.
#: Deduplication by block is off: our keys deduplicate, and a block dropped by mistake would be lost.
INSERT_SETTINGS: Final = {
    "async_insert": 0,
    "wait_end_of_query": 1,
    "insert_deduplicate": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 0,
    "materialized_views_ignore_errors": 0,
    "max_partitions_per_insert_block": 0,
}

#: Error codes that say "these values", not "not now": tried again, they would fail for ever.
_DATA_ERROR_CODES: Final = frozenset(
    {6, 27, 38, 41, 53, 69, 70, 72, 117, 131, 190, 321, 349, 407, 441, 469, 636}
)

_FACTS_QUERY: Final = """
SELECT customer_id, channel, type, toUnixTimestamp64Milli(occurred_at), event_id,
       JSONExtractString(properties, 'author'),
       if(type = 'order_completed', JSONExtractString(properties, 'order_id'), '')
FROM events FINAL
WHERE customer_id IN %(customers)s AND (customer_id, toDate(occurred_at)) IN %(days)s
"""
_FACTS_CHUNK: Final = 2_000
_EPOCH: Final = date(1970, 1, 1)


class ClickHouseSink:
    """Facts and rows into ClickHouse. Used from one thread at a time."""

    def __init__(self, settings: Settings, metrics: WorkerMetrics | None = None) -> None:
        self._settings = settings
        self._metrics = metrics or WorkerMetrics()
        self._client: Client | None = None
        self._interrupted = threading.Event()

    def insert(self, row: type[Row], data: Columns) -> None:
        """Insert; see `Sink.insert`. Rows that cannot be stored are found by halving the insert."""
        if not data or not data[0]:
            return
        refused: dict[int, str] = {}
        self._insert_range(row, data, 0, len(data[0]), refused)
        if refused:
            raise NotStorable(refused)

    def _insert_range(
        self, row: type[Row], data: Columns, start: int, stop: int, refused: dict[int, str]
    ) -> None:
        is_all = stop - start == len(data[0])
        part = data if is_all else [column[start:stop] for column in data]
        try:
            self._until_served(lambda client: self._insert_once(client, row, part))
            self._metrics.inserted(row.TABLE, stop - start)
        except _RefusedData as error:
            if stop - start == 1:
                refused[start] = str(error)
                return
            middle = (start + stop) // 2
            self._insert_range(row, data, start, middle, refused)
            self._insert_range(row, data, middle, stop, refused)

    @staticmethod
    def _insert_once(client: Client, row: type[Row], data: Columns) -> None:
        context = client.create_insert_context(
            row.TABLE,
            columns(row),
            column_type_names=column_types(row),
            column_oriented=True,
            settings=INSERT_SETTINGS,
            data=data,
        )
        try:
            client.data_insert(context)
        finally:
            # It refers to itself, and would keep the columns until garbage is collected, which is rare.
            vars(context).clear()

    def facts(self, days: Collection[FactKey]) -> list[Fact]:
        """Facts of days; see `Sink.facts`."""
        found: list[Fact] = []
        wanted = sorted(days)
        for at in range(0, len(wanted), _FACTS_CHUNK):
            chunk = wanted[at : at + _FACTS_CHUNK]
            found.extend(self._until_served(partial(_query_facts, chunk=chunk)))
        return found

    def claims(self, anonymous_ids: Collection[str]) -> list[Claim]:
        """See `Sink.claims`."""
        return self._until_served(partial(query_claims, anonymous_ids=anonymous_ids))

    def links(
        self, *, anonymous_ids: Collection[str] = (), customer_ids: Collection[str] = ()
    ) -> list[StoredLink]:
        """See `Sink.links`."""
        found = []
        for column, ids in (("anonymous_id", anonymous_ids), ("customer_id", customer_ids)):
            if ids:
                found += self._until_served(partial(query_links, column=column, ids=ids))
        return found

    def history(self, customer_ids: Collection[str]) -> Sequence[FactRow]:
        """See `Sink.history`."""
        return self._until_served(partial(query_history, customer_ids=customer_ids))

    def filled(self, since_ms: Mapping[str, int]) -> list[Cell]:
        """See `Sink.filled`."""
        return self._until_served(partial(query_filled, since_ms=since_ms))

    def transitions(self, customer_ids: Collection[str]) -> list[Cells]:
        """See `Sink.transitions`."""
        return self._until_served(partial(query_transitions, customer_ids=customer_ids))

    def clock(self) -> Clock:
        """See `Sink.clock`."""
        return self._until_served(query_clock)

    def interrupt(self) -> None:
        """See `Sink.interrupt`."""
        self._interrupted.set()

    def resume(self) -> None:
        """See `Sink.resume`."""
        self._interrupted.clear()

    def _until_served(self, call: Callable[[Client], T]) -> T:
        """Call until the server answers; only an error in the data itself is passed on."""
        pause_seconds = 0.1
        while True:
            try:
                if self._client is None:
                    self._client = connect(self._settings)
                return call(self._client)
            except (ClickHouseError, ClickHouseUnavailable, OSError) as error:
                if _is_data_error(error):
                    raise _RefusedData(one_line(error)) from error
                self._metrics.insert_retries.inc()
                log.warning("clickhouse_retried", error=one_line(error), pause_seconds=pause_seconds)
                self._client = None
            if self._interrupted.wait(pause_seconds):
                raise Interrupted
            pause_seconds = min(2 * pause_seconds, self._settings.retry_backoff_max_seconds)


class _RefusedData(Exception):
    """The server, or the client's own encoder, refuses the values."""


def _is_data_error(error: Exception) -> bool:
    return isinstance(error, DataError) or getattr(error, "code", None) in _DATA_ERROR_CODES


def _query_facts(client: Client, *, chunk: list[FactKey]) -> list[Fact]:
    days = [(customer, _EPOCH + timedelta(days=day)) for customer, day in chunk]
    found = rows(client, _FACTS_QUERY, customers=sorted({customer for customer, _ in chunk}), days=days)
    return [
        Fact(
            customer,
            day_of(at_ms),
            channel,
            type_,
            is_engagement(type_, {"author": author}),
            at_ms,
            event_id,
            order_id,
        )
        for customer, channel, type_, at_ms, event_id, author, order_id in found
    ]
