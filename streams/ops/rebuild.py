"""Rebuild: state, changelog and rows anew from the facts, under a new epoch.

Facts are the truth that remains when topics, disks or rows were lost. The steps are numbered below; an
interrupted rebuild goes on where it stopped. Afterwards the workers read again from Kafka what the facts
lack, so records whose facts were lost come back as long as Kafka keeps them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Final

import msgspec
from clickhouse_connect.driver.client import Client
from kafka import KafkaProducer, TopicPartition  # type: ignore[import-untyped]
from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from schemas.fields import ANONYMOUS_PREFIX
from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, CustomerTransitionRow, Row
from schemas.topics import CHANGELOG, MAX_MESSAGE_BYTES, REKEYED, SOURCE_TOPICS, partition_of
from streams.clickhouse import connect
from streams.config import Settings
from streams.core import project
from streams.core.dedupe import DedupeLimits
from streams.core.refold import OrdersInMemory, fold_facts
from streams.core.status import tell
from streams.customers import changes_of
from streams.errors import EngageError
from streams.intake import News
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of
from streams.late import restated_days
from streams.lineage import (
    LINEAGE_KEY,
    REBUILDING,
    Lineage,
    Topics,
    read_database,
    read_source,
    read_topics,
)
from streams.ops.topics import create_topics
from streams.sending import Record
from streams.settings_table import write_setting
from streams.sinks.clickhouse import ClickHouseSink
from streams.sinks.identity import FACT_COLUMNS
from streams.state_store import stamped

_CUSTOMERS_PER_STEP: Final = 2_000
_KAFKA_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.1
_UNFINISHED: Final = "rebuild"
_TABLES: Final[tuple[type[Row], ...]] = (
    CustomerStateRow,
    CustomerDailyRow,
    Customer5mRow,
    CustomerTransitionRow,
)
_FOREVER_MS: Final = 2**62
#: Below that of every worker.
_FIRST_TERM: Final = 0

_NEXT_CUSTOMERS: Final = """
SELECT DISTINCT customer_id FROM events WHERE customer_id > {after:String}
ORDER BY customer_id LIMIT {limit:UInt32}
"""
_FACTS: Final = f"""
SELECT{FACT_COLUMNS}
FROM events FINAL
WHERE customer_id > {{after:String}} AND customer_id <= {{last:String}}
ORDER BY customer_id, appended_at, source_topic, source_offset
"""
_NEWEST_APPENDED: Final = """
SELECT source_topic, max(toUnixTimestamp64Milli(appended_at)) FROM events GROUP BY source_topic
"""
_NEWEST_OFFSETS: Final = """
SELECT source_topic, source_partition, max(source_offset) FROM events
WHERE toUnixTimestamp64Milli(appended_at)
    > transform(source_topic, {topics:Array(String)}, {since:Array(Int64)}, -1)
GROUP BY source_topic, source_partition
"""


class Progress(msgspec.Struct, frozen=True):
    """An unfinished rebuild: its lineage, and the customer up to whom everything is done.

    `since_ms`: by source topic, the append time up to which facts belong to an earlier topic of that name.
    """

    database: str
    epoch: int
    topics: dict[str, str]
    since_ms: dict[str, int]
    after: str = ""


def rebuild(
    settings: Settings,
    *,
    from_start: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Rebuild everything that follows from facts; returns the number of customers.

    Args:
        from_start: let the workers read Kafka from its beginning, not from where the facts end; for facts
            that were lost in the middle.
        on_progress: told customers done and customers in all.

    Raises:
        EngageError: workers are running.
        KafkaUnavailable, ClickHouseUnavailable: a server is away; run it again to go on.
    """
    with closing(connect(settings)) as client:
        # 1. Nobody else may write meanwhile.
        _refuse_running_workers(settings)
        # 2. A new epoch, id and changelog, noted before anything is touched: a worker started now stops.
        progress = _unfinished(client) or _begin(settings, client, from_start)
        # 3. Customers in order, some thousands at a time: changelog acknowledged, rows, then the note.
        done = _rebuild_customers(settings, client, progress, on_progress)
        # 4. Rows of older epochs have lost already; those of customers without facts go, too.
        for row in _TABLES:
            client.command(
                f"ALTER TABLE {row.TABLE} DELETE WHERE epoch < {progress.epoch} SETTINGS mutations_sync = 2"
            )
        # 5. Claims are told again, as the workers compute links and follow them.
        _tell_claims(settings, client)
        # 6. Kafka is read again from where the facts end.
        _rewind(settings, client, progress.since_ms)
        # 7. Lineage: from here on changelog and database belong together, and workers may start.
        _write_lineage(settings, Lineage(progress.database, progress.epoch, progress.topics))
        _finish(client, progress)
        return done


def _refuse_running_workers(settings: Settings) -> None:
    """A worker that ended without a farewell stays a member until its session is over; that is waited for."""
    deadline = time.monotonic() + settings.session_timeout_seconds + _PAUSE_SECONDS
    with kafka_admin(brokers_of(settings), _KAFKA_SECONDS) as admin:
        while _members(admin, settings.group_id):
            if time.monotonic() >= deadline:
                raise EngageError(
                    f"workers of the group {settings.group_id} are running: stop them, then run "
                    "`engage rebuild` again"
                )
            time.sleep(_PAUSE_SECONDS)


def _members(admin: KafkaAdminClient, group_id: str) -> int:
    group: dict[str, Any] = admin.describe_groups([group_id])[group_id]
    return len(group.get("members") or ())


def _unfinished(client: Client) -> Progress | None:
    rows = client.query(
        "SELECT value FROM settings FINAL WHERE key = {key:String}", parameters={"key": _UNFINISHED}
    ).result_rows
    return msgspec.json.decode(rows[0][0], type=Progress) if rows and rows[0][0] else None


def _begin(settings: Settings, client: Client, from_start: bool) -> Progress:
    _, epoch = read_database(settings)
    # An id that no changelog holds.
    write_setting(client, "lineage", f"{REBUILDING}{uuid.uuid4().hex}")
    _recreate_changelog(settings)
    topics = dict(read_source(settings).topics)
    since_ms = dict.fromkeys(SOURCE_TOPICS, _FOREVER_MS) if from_start else _since_ms(client, topics)
    progress = Progress(uuid.uuid4().hex, epoch + 1, topics, since_ms)
    _note_progress(client, progress)
    return progress


def _recreate_changelog(settings: Settings) -> None:
    with kafka_admin(brokers_of(settings), _KAFKA_SECONDS) as admin:
        if CHANGELOG in admin.list_topics():
            admin.delete_topics([CHANGELOG])
        while CHANGELOG in admin.list_topics():
            time.sleep(_PAUSE_SECONDS)
    create_topics(settings)


def _since_ms(client: Client, topics: dict[str, str]) -> dict[str, int]:
    """Of a topic with another id than before, all facts so far belong to its predecessor."""
    before = read_topics(client)
    newest_ms = dict(map(tuple, client.query(_NEWEST_APPENDED).result_rows))
    return {
        topic: before.since_ms.get(topic, -1)
        if before.ids.get(topic, now) == now
        else int(newest_ms.get(topic, -1))
        for topic, now in topics.items()
    }


def _rebuild_customers(
    settings: Settings, client: Client, progress: Progress, on_progress: Callable[[int, int], None]
) -> int:
    total = client.query("SELECT uniqExact(customer_id) FROM events").result_rows[0][0]
    sink = ClickHouseSink(settings)
    done = 0
    with closing(_producer(settings)) as producer:
        while ids := _next_customers(client, progress.after):
            _rebuild_some(settings, client, progress, ids[-1], producer, sink)
            progress = msgspec.structs.replace(progress, after=ids[-1])
            _note_progress(client, progress)
            done += len(ids)
            on_progress(done, total)
    return done


def _next_customers(client: Client, after: str) -> list[str]:
    parameters = {"after": after, "limit": _CUSTOMERS_PER_STEP}
    return [row[0] for row in client.query(_NEXT_CUSTOMERS, parameters=parameters).result_rows]


def _rebuild_some(
    settings: Settings,
    client: Client,
    progress: Progress,
    last: str,
    producer: KafkaProducer,
    sink: ClickHouseSink,
) -> None:
    limits = DedupeLimits(settings.dedupe_horizon_days, settings.dedupe_max_ids)
    rows = _facts(client, progress.after, last)
    customers = fold_facts(rows, settings.partitions, progress.since_ms, limits)
    now_ms, gap_days = sink.clock()
    changes_of_status = [
        (*project.transition_row(customer.id, change), 0, progress.epoch, customer.state.n_applied)
        for customer in customers
        for change in tell(customer.state, gap_days, now_ms)
    ]
    tables: list[tuple[type[Row], project.Columns]] = [
        (CustomerStateRow, project.state_columns(customers, progress.epoch)),
        (CustomerDailyRow, project.daily_columns(customers, progress.epoch)),
        (Customer5mRow, project.five_columns(customers, progress.epoch)),
        (CustomerTransitionRow, project.transpose(changes_of_status)),
    ]
    late = [customer for customer in customers if customer.late_days]
    if late:
        recounted = restated_days(late, sink, OrdersInMemory(late), progress.epoch)
        tables.append((CustomerDailyRow, recounted))
    changes = (
        (customer.partition, _change(*change)) for customer in customers for change in changes_of(customer)
    )
    _send(producer, CHANGELOG, changes)
    for row, data in tables:
        sink.insert(row, data)


def _facts(client: Client, after: str, last: str) -> Iterator[Sequence[Any]]:
    with client.query_rows_stream(_FACTS, parameters={"after": after, "last": last}) as rows:
        yield from rows


def _producer(settings: Settings) -> KafkaProducer:
    return KafkaProducer(
        **brokers_of(settings).arguments,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_request_size=MAX_MESSAGE_BYTES,
        linger_ms=20,
    )


def _send(producer: KafkaProducer, topic: str, placed: Iterable[tuple[int, Record]]) -> None:
    """Send records, each beside its partition, and wait for every acknowledgement."""
    pending = [
        producer.send(
            topic, key=record.key, value=record.value, headers=list(record.headers), partition=partition
        )
        for partition, record in placed
    ]
    producer.flush()
    for future in pending:
        future.get(timeout=_KAFKA_SECONDS)


def _change(key: bytes, value: bytes | None) -> Record:
    """For the changelog."""
    return Record(key, value and stamped(_FIRST_TERM, value))


def _tell_claims(settings: Settings, client: Client) -> None:
    rows = client.query("SELECT DISTINCT anonymous_id FROM identity_claims").result_rows
    keys = [visitor.removeprefix(ANONYMOUS_PREFIX) for (visitor,) in rows]
    placed = ((partition_of(key, settings.partitions), News.CLAIMED.record(key)) for key in keys)
    with closing(_producer(settings)) as producer:
        _send(producer, REKEYED, placed)


def _rewind(settings: Settings, client: Client, since_ms: dict[str, int]) -> None:
    """Where the group is beyond the newest fact of a partition, commit the offset after that fact."""
    parameters = {"topics": list(since_ms), "since": list(since_ms.values())}
    newest = {
        (topic, partition): offset
        for topic, partition, offset in client.query(_NEWEST_OFFSETS, parameters=parameters).result_rows
    }
    committed = read_source(settings).committed
    offsets = {
        TopicPartition(*at): OffsetAndMetadata(newest.get(at, -1) + 1, "", -1)
        for at, offset in committed.items()
        if at[0] in since_ms and offset > newest.get(at, -1) + 1
    }
    if offsets:
        with kafka_admin(brokers_of(settings), _KAFKA_SECONDS) as admin:
            admin.alter_group_offsets(settings.group_id, offsets)


def _write_lineage(settings: Settings, lineage: Lineage) -> None:
    with closing(_producer(settings)) as producer:
        record = _change(LINEAGE_KEY, lineage.to_value())
        _send(producer, CHANGELOG, ((partition, record) for partition in range(settings.partitions)))


def _note_progress(client: Client, progress: Progress) -> None:
    write_setting(client, _UNFINISHED, msgspec.json.encode(progress).decode())


def _finish(client: Client, progress: Progress) -> None:
    since_ms = {topic: at_ms for topic, at_ms in progress.since_ms.items() if at_ms != _FOREVER_MS}
    write_setting(client, "topics", Topics(progress.topics, since_ms).to_text())
    write_setting(client, "epoch", str(progress.epoch))
    write_setting(client, "lineage", progress.database)
    write_setting(client, _UNFINISHED, "")
