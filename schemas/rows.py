"""One model per ClickHouse table that the worker or a command writes.

Field order is insert order. Columns with a DEFAULT (`version`, `ingested_at`, …) are left to ClickHouse.
Each field carries its ClickHouse type, so that a sink inserts without asking the server for it; a test
compares all of it with DESCRIBE TABLE.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

String = Annotated[str, "String"]
Name = Annotated[str, "LowCardinality(String)"]
Time = Annotated[AwareDatetime, "DateTime64(3, 'UTC')"]
MaybeTime = Annotated[AwareDatetime | None, "Nullable(DateTime64(3, 'UTC'))"]
Bucket = Annotated[AwareDatetime, "DateTime('UTC')"]
Day = Annotated[date, "Date"]
MaybeDay = Annotated[date | None, "Nullable(Date)"]
Flag = Annotated[int, "UInt8"]
U32 = Annotated[int, "UInt32"]
U64 = Annotated[int, "UInt64"]
I64 = Annotated[int, "Int64"]
Float = Annotated[float, "Float64"]
Counts = Annotated[dict[str, int], "Map(LowCardinality(String), UInt64)"]
Bytes = Annotated[bytes, "String"]


class Row(BaseModel):
    """A row as it is inserted. `TABLE` names the table, without a database."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    TABLE: ClassVar[str]


class EventRow(Row):
    """A fact. `customer_id` is the id as sent, or `anon:<anonymous_id>`; '' stands for what was not sent.

    `properties` is the text of a JSON object; `extra` that of further top-level keys, '' without any.
    """

    TABLE: ClassVar[str] = "events"

    event_id: String
    customer_id: String
    anonymous_id: String
    channel: Name
    type: Name
    occurred_at: Time
    session_id: String
    source: String
    properties: String
    extra: String
    source_topic: Name
    source_partition: U32
    source_offset: U64
    appended_at: Time


class CustomerStateRow(Row):
    """A customer's totals. `*_seen_at`: newest engagement event of the channel, orders left out.

    `is_moved` marks an anonymous visitor whose events are among those of customers. `won_back_on` is the date
    of the newest order that ended `churned`.

    Of a customer's rows the one with the highest (`epoch`, `n_applied`) holds; so too in the other tables.
    """

    TABLE: ClassVar[str] = "customer_state"

    customer_id: String
    is_anonymous: Flag
    first_seen_at: MaybeTime
    website_seen_at: MaybeTime
    chat_seen_at: MaybeTime
    purchase_seen_at: MaybeTime
    events_total: U64
    orders_total: U64
    epoch: U32
    n_applied: U64
    is_moved: Flag
    purchase_days: U32
    first_purchase_on: MaybeDay
    last_purchase_at: MaybeTime
    won_back_on: MaybeDay


class CustomerTransitionRow(Row):
    """A change of a customer's churn status; `is_retracted` when orders that came late have undone it."""

    TABLE: ClassVar[str] = "customer_transitions"

    customer_id: String
    changed_at: Time
    from_status: Name
    to_status: Name
    reason: String
    days_since_order: U32
    expected_gap_days: Float
    overdue_ratio: Float
    is_retracted: Flag
    epoch: U32
    n_applied: U64


class IdentityLinkRow(Row):
    """Events of an anonymous id are a customer's, by a claim at (`claimed_at`, `event_id`); unless `is_void`.

    From (`valid_from`, `valid_from_event_id`) up to, not including, (`valid_until`, `valid_until_event_id`).
    Of a claim's rows the one with the highest (`epoch`, `n_claims`) holds: claims known when it was written.
    """

    TABLE: ClassVar[str] = "identity_links"

    anonymous_id: String
    customer_id: String
    claimed_at: Time
    event_id: String
    valid_from: Time
    valid_from_event_id: String
    valid_until: Time
    valid_until_event_id: String
    is_void: Flag
    epoch: U32
    n_claims: U64


class CustomerDailyRow(Row):
    """A customer's UTC date on a channel. `events` counts all events, `counts` engagement events per type.

    ClickHouse computes the points (`streams.rules.daily_points`).
    """

    TABLE: ClassVar[str] = "customer_daily"

    customer_id: String
    day: Day
    channel: Name
    events: U64
    counts: Counts
    orders: U64
    conversations: U64
    messages: U64
    epoch: U32
    n_applied: U64


class Customer5mRow(Row):
    """A customer's five minutes on a channel; `bucket_at` is their start."""

    TABLE: ClassVar[str] = "customer_5m"

    customer_id: String
    bucket_at: Bucket
    channel: Name
    events: U64
    orders: U64
    conversations: U64
    messages: U64
    epoch: U32
    n_applied: U64


class RejectedEventRow(Row):
    """A record that did not become a fact.

    `payload` is the record's value; of more than 1 MiB the first 64 KiB. Size and hash are the whole value's.
    """

    TABLE: ClassVar[str] = "rejected_events"

    rejected_at: Time
    reason: Name
    detail: String
    source_topic: Name
    source_partition: U32
    source_offset: U64
    record_key: Bytes
    payload: Bytes
    payload_bytes: U64
    payload_sha256: String
    replayed_at: MaybeTime


class StreamLagRow(Row):
    """How far a group was behind in a partition; `committed_offset` and `lag` -1: nothing was committed."""

    TABLE: ClassVar[str] = "stream_lag"

    measured_at: Time
    consumer_group: Name
    topic: Name
    partition: U32
    committed_offset: I64
    end_offset: I64
    lag: I64
    lag_seconds: Float


class SettingRow(Row):
    """A setting that views depend on, for example `clock`."""

    TABLE: ClassVar[str] = "settings"

    key: String
    value: String


class GoalRow(Row):
    """A goal: `metric` of `segment` is to go from `baseline` to `target` between two UTC dates.

    Of a goal's rows the one written last holds; `is_removed` takes it away.
    """

    TABLE: ClassVar[str] = "goals"

    goal_id: String
    metric: Name
    segment: String
    baseline: Float
    target: Float
    start_date: Day
    due_date: Day
    is_removed: Flag


ROWS: tuple[type[Row], ...] = (
    EventRow,
    CustomerStateRow,
    CustomerTransitionRow,
    IdentityLinkRow,
    CustomerDailyRow,
    Customer5mRow,
    RejectedEventRow,
    StreamLagRow,
    SettingRow,
    GoalRow,
)


def columns(model: type[Row]) -> tuple[str, ...]:
    """Column names in insert order."""
    return tuple(model.model_fields)


def column_types(model: type[Row]) -> tuple[str, ...]:
    """ClickHouse type names, beside `columns(model)`."""
    return tuple(_clickhouse_type(field.metadata) for field in model.model_fields.values())


def _clickhouse_type(metadata: list[object]) -> str:
    return next(item for item in metadata if isinstance(item, str))
