"""What producers send in a test, and what the tables must say in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import orjson

from schemas import topics
from schemas.decode import Event, decode
from schemas.rows import (
    Customer5mRow,
    CustomerDailyRow,
    CustomerStateRow,
    CustomerTransitionRow,
    EventRow,
    RejectedEventRow,
)
from streams.sending import Record
from streams.sinks.memory import MemorySink
from tests.core.oracle import expect
from tests.core.samples import body, ms
from tests.core.status_oracle import Change, simulate
from tests.streams.fakes import FakeKafka, FakeWorker

PARTITIONS = 2
NOW_MS = ms("2026-06-15 12:00")

#: Starts a worker on the disk of a name.
Start = Callable[..., FakeWorker]

#: `event_id`s of facts that the database refuses begin with this.
UNSTORABLE = "unstorable"


def database() -> MemorySink:
    """A database that refuses facts marked as unstorable."""
    return MemorySink(
        lambda row: "cannot be stored" if str(row.get("event_id", "")).startswith(UNSTORABLE) else None
    )


class Scene:
    """Kafka and what has been sent to it."""

    def __init__(self) -> None:
        self.kafka = FakeKafka(PARTITIONS, NOW_MS)

    def send(self, event_type: str, at: str, event_id: str, channel: str = "website", **changes: Any) -> None:
        """Send an event to the partition of its key."""
        self.send_body(body(event_type, ms(at), event_id, **changes), channel)

    def send_body(
        self, sent: dict[str, Any], channel: str, *, partition: int | None = None, gap: int = 0
    ) -> None:
        """Send an event, by default to the partition of its key."""
        key = sent["customer_id"] or sent["anonymous_id"]
        if partition is None:
            partition = topics.partition_of(key, PARTITIONS)
        self.send_bytes(orjson.dumps(sent), channel, partition, key.encode(), gap=gap)

    def send_bytes(
        self, value: bytes | None, channel: str, partition: int, key: bytes | None = None, *, gap: int = 0
    ) -> None:
        """Send anything anywhere."""
        self.kafka.append(topics.TOPIC_OF_CHANNEL[channel], partition, Record(key, value), gap=gap)

    def accepted(self) -> dict[str, list[Event]]:
        """Every delivery of an event that can be stored, by stored customer id."""
        found = defaultdict(list)
        for event in self._decoded().values():
            if isinstance(event, Event) and not event.event_id.startswith(UNSTORABLE):
                found[event.customer].append(event)
        return found

    def refused(self) -> set[tuple[str, int, int]]:
        """Source coordinates of every record that must become a reject."""
        return {
            coordinates
            for coordinates, event in self._decoded().items()
            if not isinstance(event, Event) or event.event_id.startswith(UNSTORABLE)
        }

    def _decoded(self) -> dict[tuple[str, int, int], Any]:
        return {
            (record.topic, record.partition, record.offset): decode(
                record.value, channel=topics.CHANNEL_OF_TOPIC[topic], appended_at_ms=record.timestamp
            )
            for topic in topics.SOURCE_TOPICS
            for record in self.kafka.values(topic)
        }


def assert_tables_are_right(scene: Scene, sink: MemorySink) -> None:
    """Facts, rejects and every customer's rows are what the oracle says."""
    accepted = scene.accepted()
    facts = sink.final(EventRow.TABLE, "customer_id", "event_id")
    assert facts.keys() == {
        (customer, event.event_id) for customer in accepted for event in accepted[customer]
    }
    rejects = sink.final(RejectedEventRow.TABLE, "source_topic", "source_partition", "source_offset")
    assert rejects.keys() == scene.refused()
    assert {key[0] for key in sink.final(CustomerStateRow.TABLE, "customer_id")} == accepted.keys()
    for customer, deliveries in accepted.items():
        expected = expect(deliveries)
        assert rows_of(sink, CustomerStateRow, customer) == {(): expected.state}
        assert history_of(sink, customer) == history_expected(customer, expected.order_times_ms, sink.now_ms)
        assert rows_of(sink, CustomerDailyRow, customer, "day", "channel") == expected.daily
        fives = rows_of(sink, Customer5mRow, customer, "bucket_at", "channel")
        held = expected.fives_held()
        assert {key: fives.get(key) for key in held} == held


def history_of(sink: MemorySink, customer: str) -> list[Change]:
    """A customer's changes of churn status that hold, in order."""
    return sorted(
        Change(row["changed_at"], row["from_status"], row["to_status"])
        for (one, *_), row in sink.final(
            CustomerTransitionRow.TABLE, "customer_id", "changed_at", "to_status"
        ).items()
        if one == customer and not row["is_retracted"]
    )


def history_expected(customer: str, order_times_ms: list[int], now_ms: int) -> list[Change]:
    """What a simulation gives up to now, or to the newest order: anonymous visitors have no history."""
    if customer.startswith("anon:") or not order_times_ms:
        return []
    return simulate(order_times_ms, max(now_ms, order_times_ms[-1]))


def rows_of(sink: MemorySink, table: Any, customer: str, *key: str) -> dict[Any, dict[str, Any]]:
    """A customer's rows as they stand, by the rest of the key, without key and version."""
    return {
        at[1:]: {
            name: value
            for name, value in row.items()
            if name not in ("customer_id", "epoch", "n_applied", "is_moved", *key)
        }
        for at, row in sink.final(table.TABLE, "customer_id", *key).items()
        if at[0] == customer
    }
