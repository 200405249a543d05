"""Lineage: do the topics, the state and the database belong together?

`engage migrate` gives a database a random id and the epoch 0. When a worker is first given a partition
whose changelog is empty, it writes a record there: the database's id, the epoch, and the ids that Kafka
gave to the source topics. From then on the record is part of the partition's state. When it disagrees
with what is there now, something was wiped or recreated under kept state: going on would lose events or
count them twice without a trace, so the worker stops and names `engage rebuild`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from kafka import TopicPartition  # type: ignore[import-untyped]
from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import GroupIdNotFoundError  # type: ignore[import-untyped]
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from schemas.topics import CHANGELOG, SOURCE_TOPICS
from streams.clickhouse import connect
from streams.config import Settings
from streams.core.state import decode_state
from streams.errors import LineageError, MigrationError
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of
from streams.settings_table import write_setting
from streams.state_store import StateStore, customer_key

#: The changelog key of the record; no customer's key begins with a zero byte.
LINEAGE_KEY: Final = b"\x00lineage"

#: The database's id begins so while it is being rebuilt.
REBUILDING: Final = "rebuilding-"

_ADVICE: Final = "Stop all workers and run `engage rebuild`."
_NEWEST_CUSTOMERS: Final = 200
_NEWEST_QUERY: Final = """
SELECT customer_id, max(n_applied) FROM customer_state WHERE epoch = {epoch:UInt32}
GROUP BY customer_id ORDER BY max(written_at) DESC LIMIT {limit:UInt32}
"""


class Lineage(msgspec.Struct, frozen=True):
    """Where state comes from: the database's id, the epoch of its rows, and topic ids by source topic.

    The record is written anew, with the next term, at each assignment of the partition.
    """

    database: str
    epoch: int
    topics: Mapping[str, str]

    def to_value(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_value(cls, value: bytes) -> Lineage:
        return msgspec.json.decode(value, type=cls)


class Topics(msgspec.Struct, frozen=True):
    """What the database knows of the source topics its facts came from.

    `since_ms`: by topic, the append time up to which facts came from an earlier topic of that name, so
    that their offsets say nothing about the present one.
    """

    ids: Mapping[str, str] = msgspec.field(default_factory=dict)
    since_ms: Mapping[str, int] = msgspec.field(default_factory=dict)

    def to_text(self) -> str:
        return msgspec.json.encode(self, order="sorted").decode()


class Source(msgspec.Struct, frozen=True):
    """What Kafka says: topic ids by source topic, and what the group has committed by (topic, partition)."""

    topics: Mapping[str, str]
    committed: Mapping[tuple[str, int], int]


def read_database(settings: Settings) -> tuple[str, int]:
    """The database's id and epoch.

    Raises:
        ClickHouseUnavailable: nothing answers.
        MigrationError: `engage migrate` has not been run.
    """
    client = connect(settings)
    try:
        rows = client.query("SELECT key, value FROM settings FINAL WHERE key IN ('lineage', 'epoch')")
    except ClickHouseError as error:
        raise MigrationError(
            f"the database {settings.clickhouse_database} has no tables: run `engage migrate`"
        ) from error
    finally:
        client.close()
    values: dict[str, str] = dict(map(tuple, rows.result_rows))
    if "lineage" not in values:
        raise MigrationError(f"the database {settings.clickhouse_database} is older: run `engage migrate`")
    return values["lineage"], int(values.get("epoch", 0))


def read_database_in_use(settings: Settings) -> tuple[str, int]:
    """As `read_database`, for a worker.

    Raises:
        LineageError: a rebuild has begun and not ended.
    """
    database, epoch = read_database(settings)
    if database.startswith(REBUILDING):
        raise LineageError(
            "a rebuild was not finished. Run `engage rebuild` again, it goes on where it stopped."
        )
    return database, epoch


def read_topics(client: Client) -> Topics:
    """What was noted of the source topics, nothing in a new database."""
    rows = client.query("SELECT value FROM settings FINAL WHERE key = 'topics'").result_rows
    return msgspec.json.decode(rows[0][0], type=Topics) if rows else Topics()


def note_topics(settings: Settings, ids: Mapping[str, str]) -> None:
    """Note the ids of the source topics, unless that was done before."""
    client = connect(settings)
    try:
        if not read_topics(client).ids:
            write_setting(client, "topics", Topics(ids).to_text())
    finally:
        client.close()


def read_source(settings: Settings) -> Source:
    """Topic ids and committed offsets; raises KafkaUnavailable."""
    with kafka_admin(brokers_of(settings), timeout_seconds=30) as admin:
        described = admin.describe_topics(list(SOURCE_TOPICS))
        offsets = _committed(admin, settings.group_id)
    return Source(
        {topic["name"]: str(topic["topic_id"]) for topic in described},
        {(tp.topic, tp.partition): at.offset for tp, at in offsets.items() if at.offset > 0},
    )


def _committed(admin: KafkaAdminClient, group_id: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    try:
        offsets: Mapping[TopicPartition, OffsetAndMetadata] = admin.list_group_offsets(group_id)[group_id]
    except GroupIdNotFoundError:
        return {}
    return offsets


def discard_foreign_state(store: StateStore, partitions: Sequence[int], now: Lineage) -> None:
    """Forget local state of another database or epoch; the changelog has what belongs to this one."""
    for partition in partitions:
        held = held_lineage(store, partition)
        if held is not None and (held.database, held.epoch) != (now.database, now.epoch):
            store.forget(partition)


def held_lineage(store: StateStore, partition: int) -> Lineage | None:
    """The lineage record of a partition's state, None before its first assignment."""
    (value,) = store.get(partition, [LINEAGE_KEY])
    return Lineage.from_value(value) if value else None


def check(store: StateStore, partition: int, now: Lineage, source: Source) -> bool:
    """Whether a recovered partition belongs to what is there now; False if it is new and needs its record.

    Raises:
        LineageError: one line that says what does not fit.
    """
    held = held_lineage(store, partition)
    if held is None:
        if store.offset(partition) or any(number == partition for _, number in source.committed):
            raise LineageError(
                f"offsets of partition {partition} were committed, but {CHANGELOG} holds no state for it: "
                f"the changelog was deleted. {_ADVICE}"
            )
        return False
    if held.database != now.database:
        raise LineageError(
            f"the state of partition {partition} belongs to another ClickHouse database: this one was wiped "
            f"or replaced. {_ADVICE}"
        )
    if held.epoch != now.epoch:
        raise LineageError(
            f"the state of partition {partition} is of epoch {held.epoch}, the database of {now.epoch}: "
            f"a rebuild was not finished. {_ADVICE}"
        )
    recreated = [topic for topic in SOURCE_TOPICS if held.topics.get(topic) != now.topics.get(topic)]
    if recreated:
        raise LineageError(
            f"{', '.join(recreated)} was deleted and created again: its offsets start anew, and new events "
            f"would be taken for old ones. {_ADVICE}"
        )
    return True


def newest_versions(settings: Settings, epoch: int) -> dict[str, int]:
    """Versions (`n_applied`) of the customers whose rows were written last."""
    client = connect(settings)
    try:
        rows = client.query(_NEWEST_QUERY, parameters={"epoch": epoch, "limit": _NEWEST_CUSTOMERS})
    finally:
        client.close()
    return dict(map(tuple, rows.result_rows))


def check_not_behind(store: StateStore, partition: int, versions: Mapping[str, int]) -> None:
    """Rows are written from durable state only, so none may be ahead of it.

    `versions` are of customers of this partition.

    Raises:
        LineageError: ClickHouse has a higher version than the state.
    """
    customers = list(versions)
    values = store.get(partition, [customer_key(customer) for customer in customers])
    for customer, value in zip(customers, values, strict=True):
        held = decode_state(value).n_applied if value else 0
        if held < versions[customer]:
            raise LineageError(
                f"partition {partition}: ClickHouse has version {versions[customer]} of a customer, the "
                f"state has {held}: state was lost or is an old backup. {_ADVICE}"
            )
