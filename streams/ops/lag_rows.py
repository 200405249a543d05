"""Measurements as rows of `stream_lag`; ClickHouse may be away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timezone
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.rows import StreamLagRow, column_types, columns
from streams.clickhouse import connect, one_line
from streams.config import Settings
from streams.core.lag import Measurement
from streams.errors import ClickHouseUnavailable
from streams.sinks.clickhouse import INSERT_SETTINGS

log = structlog.get_logger("streams.lag")

Row = tuple[datetime, str, str, int, int, int, int, float]

#: An hour of 32 partitions every 15 s is 7,680.
_MAX_WAITING: Final = 50_000
_FIRST_PAUSE_SECONDS: Final = 0.5


class RowCounts(NamedTuple):
    """Rows, and inserts that failed, so far."""

    written: int = 0
    waiting: int = 0
    dropped: int = 0
    failures: int = 0
    is_failing: bool = False


def to_rows(measurement: Measurement) -> list[Row]:
    """One row per group and partition, in the order of `StreamLagRow`."""
    measured_at = datetime.fromtimestamp(measurement.measured_at_ms / 1000, timezone.utc)
    return [(measured_at, *partition) for partition in measurement.partitions]


def insert_rows(settings: Settings, rows: Sequence[Row]) -> None:
    """Write rows; again written, they replace themselves.

    Raises:
        ClickHouseUnavailable: nothing answers.
        ClickHouseError: it answers with an error, such as a missing table.
    """
    with closing(connect(settings)) as client:
        client.insert(
            StreamLagRow.TABLE,
            rows,
            column_names=columns(StreamLagRow),
            column_type_names=column_types(StreamLagRow),
            settings=INSERT_SETTINGS,
        )


class LagRows:
    """Writes in a thread of its own what `put` was given, again and again until it is there.

    Args:
        insert: writes rows; see `insert_rows`.
        longest_pause_seconds: between two attempts.
    """

    def __init__(self, insert: Callable[[Sequence[Row]], None], longest_pause_seconds: float) -> None:
        self._insert = insert
        self._longest_pause_seconds = longest_pause_seconds
        self._arrivals: SimpleQueue[list[Row] | None] = SimpleQueue()
        self.counts = RowCounts()

    def put(self, measurement: Measurement) -> None:
        """Have it written; never waits. Beyond 50,000 rows that wait the oldest are given up."""
        self._arrivals.put(to_rows(measurement))

    def stop(self) -> None:
        """Have `run` return; what ClickHouse has not taken by then is given up."""
        self._arrivals.put(None)

    def run(self) -> None:
        """Write until `stop`."""
        waiting: list[Row] = []
        pause_seconds = 0.0
        while (arrived := self._next(pause_seconds)) is not None:
            waiting = self._keep_newest(waiting + arrived)
            if self._try(waiting):
                waiting, pause_seconds = [], 0.0
            else:
                doubled = max(_FIRST_PAUSE_SECONDS, 2 * pause_seconds)
                pause_seconds = min(doubled, self._longest_pause_seconds)

    def _next(self, pause_seconds: float) -> list[Row] | None:
        """Rows that have come, none after `pause_seconds` without any; None: it is time to stop."""
        try:
            return self._arrivals.get(timeout=pause_seconds or None)
        except Empty:
            return []

    def _keep_newest(self, rows: list[Row]) -> list[Row]:
        kept = rows[-_MAX_WAITING:]
        dropped = self.counts.dropped + len(rows) - len(kept)
        self.counts = self.counts._replace(waiting=len(kept), dropped=dropped)
        return kept

    def _try(self, rows: list[Row]) -> bool:
        """Insert; say once that ClickHouse is away, and once that it is back."""
        before = self.counts
        try:
            self._insert(rows)
        except (ClickHouseError, ClickHouseUnavailable, OSError) as error:
            if not before.is_failing:
                log.warning("lag_rows_not_written", error=one_line(error))
            self.counts = before._replace(failures=before.failures + 1, is_failing=True)
            return False
        if before.is_failing:
            log.info("lag_rows_written_again", rows=len(rows))
        self.counts = before._replace(written=before.written + len(rows), waiting=0, is_failing=False)
        return True
