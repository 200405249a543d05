"""Mutations of what becomes of records that are no facts yet, and of tables and views."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streams.clickhouse import connect
from streams.customers import CustomerCache
from streams.migrations import sql_directory, view_order, view_statements
from streams.pipeline import Pipeline
from streams.transport import ConsumerThread
from tests.faults.mutation import CRASH, READ_AGAIN, STALE_ROWS, in_database, in_worker

if TYPE_CHECKING:
    from tests.faults.rig import Rig


@in_worker(CRASH)
def misplaced_records_not_forwarded() -> None:
    """A record counts where it is, although its key belongs to another partition."""
    CustomerCache.known = lambda self, partition, customer_id: True


@in_worker(("rejects that kafka refuses for a while", 1), ("rejects that kafka refuses for a while", 3))
def rejects_not_awaited() -> None:
    """Rejects are handed over in the background, and may be when their offsets are committed."""
    reject, rejecting = Pipeline._reject, set()

    async def reject_later(self: Pipeline, rejected: Any) -> None:
        task = asyncio.create_task(reject(self, rejected))
        rejecting.add(task)
        task.add_done_callback(rejecting.discard)

    Pipeline._reject = reject_later


@in_worker(("transactional producers with aborts", 0))
def aborted_transactions_read() -> None:
    """Records of aborted transactions count."""
    create = ConsumerThread._create_worker_consumer

    def create_uncommitted(self: ConsumerThread, kafka: Any) -> Any:
        consumer = create(self, kafka)
        consumer._isolation_level = "read_uncommitted"
        return consumer

    ConsumerThread._create_worker_consumer = create_uncommitted


@in_database(READ_AGAIN)
def activity_counted(rig: Rig) -> None:
    """A materialized view counts events instead of keeping their set."""
    _run(
        rig,
        "CREATE TABLE activity_counts (bucket_at DateTime64(3, 'UTC'), channel String, type String, n UInt64)"
        " ENGINE = SummingMergeTree(n) ORDER BY (bucket_at, channel, type)",
        "CREATE MATERIALIZED VIEW activity_counts_mv TO activity_counts AS SELECT"
        " toDateTime64(toStartOfFiveMinutes(occurred_at), 3, 'UTC') AS bucket_at, channel, type, count() AS n"
        " FROM events GROUP BY bucket_at, channel, type",
        "CREATE OR REPLACE VIEW v_activity_5m AS SELECT"
        " bucket_at, channel, type, sum(n) AS events FROM activity_counts GROUP BY bucket_at, channel, type",
    )


@in_database(READ_AGAIN)
def views_without_final(rig: Rig) -> None:
    """Views read facts and rows with all their versions."""
    statements = view_statements(sql_directory(), rig.settings.clock)
    _run(rig, *(statements[name].replace(" FINAL", "") for name in view_order(statements)))


@in_database((STALE_ROWS, 1))
def rows_without_version(rig: Rig) -> None:
    """Of two rows of a customer the one inserted last wins, not the one that has counted more."""
    tables = ("customer_state", "customer_daily", "customer_5m")
    _run(rig, *(f"ALTER TABLE {table} MODIFY COLUMN version UInt64 DEFAULT 0" for table in tables))


def _run(rig: Rig, *statements: str) -> None:
    client = connect(rig.settings)
    try:
        for statement in statements:
            client.command(statement)
    finally:
        client.close()
