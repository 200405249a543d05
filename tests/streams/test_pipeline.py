"""The pipeline from record batches to tables. Kafka and the database are in memory."""

from __future__ import annotations

import orjson
import pytest
from faust.types import TP

from schemas import topics
from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, EventRow, RejectedEventRow
from streams.sinks.memory import MemorySink
from streams.transport import RecordBatch
from tests.core.samples import body, day, ms
from tests.streams.fakes import Crashed, Fuse, content
from tests.streams.scene import (
    PARTITIONS,
    UNSTORABLE,
    Scene,
    Start,
    assert_tables_are_right,
    rows_of,
)

NOON = "2026-06-15 12:00"
C_1 = topics.partition_of("c-1", PARTITIONS)
ELSEWHERE = 1 - C_1


async def test_an_event_becomes_a_fact_and_the_rows_of_its_customer(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    sent = body("page_viewed", ms(NOON), "e-1", anonymous_id="a-1") | {"session_id": "s-1", "app_version": 7}
    scene.send_body(sent, "website", gap=5)

    await start().drain()

    assert sink.rows[EventRow.TABLE] == [
        {
            "event_id": "e-1",
            "customer_id": "c-1",
            "anonymous_id": "a-1",
            "channel": "website",
            "type": "page_viewed",
            "occurred_at": ms(NOON),
            "session_id": "s-1",
            "source": "",
            "properties": '{"url":"https://shop.example/"}',
            "extra": '{"app_version":7}',
            "source_topic": "events.website",
            "source_partition": C_1,
            "source_offset": 5,
            "appended_at": ms(NOON),
        }
    ]
    assert sink.rows[CustomerStateRow.TABLE] == [
        {
            "customer_id": "c-1",
            "is_anonymous": 0,
            "first_seen_at": ms(NOON),
            "website_seen_at": ms(NOON),
            "chat_seen_at": None,
            "purchase_seen_at": None,
            "events_total": 1,
            "orders_total": 0,
            "epoch": 0,
            "n_applied": 1,
            "is_moved": 0,
            "purchase_days": 0,
            "first_purchase_on": None,
            "last_purchase_at": None,
            "won_back_on": None,
        }
    ]
    assert sink.rows[CustomerDailyRow.TABLE] == [
        {
            "customer_id": "c-1",
            "day": day("2026-06-15"),
            "channel": "website",
            "events": 1,
            "counts": {"page_viewed": 1},
            "orders": 0,
            "conversations": 0,
            "messages": 0,
            "epoch": 0,
            "n_applied": 1,
        }
    ]
    assert sink.rows[Customer5mRow.TABLE] == [
        {
            "customer_id": "c-1",
            "bucket_at": ms(NOON) // 1000,
            "channel": "website",
            "events": 1,
            "orders": 0,
            "conversations": 0,
            "messages": 0,
            "epoch": 0,
            "n_applied": 1,
        }
    ]
    assert scene.kafka.committed == {TP(topics.WEBSITE, C_1): 6}


async def test_three_channels_of_a_customer_meet_in_one_state(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send("page_viewed", NOON, "e-1", "website")
    scene.send("conversation_started", NOON, "e-2", "chat")
    scene.send("order_completed", NOON, "e-3", "purchase")

    await start().drain()

    assert [row["events_total"] for row in sink.rows[CustomerStateRow.TABLE]] == [3]
    assert_tables_are_right(scene, sink)


async def test_an_anonymous_visitor_and_a_customer_with_the_same_id_are_two(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send("page_viewed", NOON, "e-1")
    scene.send("page_viewed", NOON, "e-2", customer_id=None, anonymous_id="c-1")

    await start().drain()

    states = sink.final(CustomerStateRow.TABLE, "customer_id")
    assert {key: row["is_anonymous"] for (key,), row in states.items()} == {"c-1": 0, "anon:c-1": 1}


async def test_a_duplicate_counts_once_in_the_same_batch_and_in_a_later_one(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start()
    scene.send("page_viewed", NOON, "e-1")
    scene.send("page_viewed", NOON, "e-1")
    await worker.drain()
    scene.send("page_viewed", NOON, "e-1")
    await worker.drain()

    assert len(sink.rows[EventRow.TABLE]) == 1
    assert rows_of(sink, CustomerStateRow, "c-1")[()]["events_total"] == 1
    assert scene.kafka.committed == {TP(topics.WEBSITE, C_1): 3}


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "null_value"), (b"{", "not_json"), (b"\xff", "not_utf8"), (b"{}", "missing_field")],
)
async def test_a_bad_record_becomes_a_reject_with_its_bytes_and_coordinates(
    scene: Scene, sink: MemorySink, start: Start, value: bytes | None, reason: str
) -> None:
    scene.send_bytes(value, "chat", 1, b"\x00key", gap=3)
    scene.send("page_viewed", NOON, "e-1")

    await start().drain()

    (record,) = scene.kafka.values(topics.REJECTED)
    headers = dict(record.headers)
    assert (record.partition, record.key, record.value) == (1, b"\x00key", value)
    assert headers.pop("detail")
    assert headers == {
        "reason": reason.encode(),
        "source_topic": b"events.chat",
        "source_partition": b"1",
        "source_offset": b"3",
    }
    (row,) = sink.rows[RejectedEventRow.TABLE]
    assert (row["reason"], row["source_topic"], row["source_partition"], row["source_offset"]) == (
        reason,
        "events.chat",
        1,
        3,
    )
    assert (row["record_key"], row["payload"], row["payload_bytes"]) == (
        b"\x00key",
        value or b"",
        len(value or b""),
    )
    assert_tables_are_right(scene, sink)


async def test_a_misplaced_key_is_forwarded_and_counted_by_its_owner_under_its_origin(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send_body(body("page_viewed", ms(NOON), "e-1"), "website", partition=ELSEWHERE, gap=4)
    scene.send_body(body("page_viewed", ms(NOON), "e-2"), "website", partition=C_1)

    worker = start()
    await worker.drain()

    (forwarded,) = scene.kafka.values(topics.REKEYED)
    assert (forwarded.partition, forwarded.key) == (C_1, b"c-1")
    facts = sink.final(EventRow.TABLE, "event_id")
    assert (facts["e-1",]["source_partition"], facts["e-1",]["source_offset"]) == (ELSEWHERE, 4)
    assert [row["events_total"] for row in sink.final(CustomerStateRow.TABLE, "customer_id").values()] == [2]
    assert {key[:2] for key in content(worker.store)} == {C_1.to_bytes(2, "big")}
    assert_tables_are_right(scene, sink)


async def test_a_record_that_was_forwarded_twice_is_counted_once(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send_body(body("page_viewed", ms(NOON), "e-1"), "website", partition=ELSEWHERE)
    crashing = start(fuse=Fuse(1))  # after the forwarding, before its commit
    with pytest.raises(Crashed):
        await crashing.drain()

    await start().drain()

    assert len(scene.kafka.values(topics.REKEYED)) == 2
    assert rows_of(sink, CustomerStateRow, "c-1")[()]["events_total"] == 1
    assert_tables_are_right(scene, sink)


async def test_a_late_day_is_restated_from_facts(scene: Scene, sink: MemorySink, start: Start) -> None:
    worker = start()
    scene.send("order_completed", "2025-01-02 10:00", "e-1", "purchase")
    scene.send("page_viewed", NOON, "e-2")
    await worker.drain()
    scene.send("order_completed", "2025-01-01 10:00", "e-3", "purchase")
    scene.send("message_sent", "2025-01-01 11:00", "e-4", "chat", author="agent")
    await worker.drain()

    days = rows_of(sink, CustomerDailyRow, "c-1", "day", "channel")
    assert days[day("2025-01-02"), "purchase"]["orders"] == 0
    assert days[day("2025-01-01"), "purchase"]["orders"] == 1
    assert days[day("2025-01-01"), "chat"] == days[day("2025-01-01"), "chat"] | {"events": 1, "counts": {}}
    assert_tables_are_right(scene, sink)


async def test_a_fact_that_cannot_be_stored_becomes_a_reject_and_is_not_counted(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send("page_viewed", NOON, "e-1")
    scene.send("page_viewed", NOON, UNSTORABLE)
    scene.send("page_viewed", NOON, "e-2")

    await start().drain()

    (reject,) = sink.rows[RejectedEventRow.TABLE]
    assert (reject["reason"], reject["detail"], reject["source_offset"]) == (
        "not_storable",
        "cannot be stored",
        1,
    )
    assert rows_of(sink, CustomerStateRow, "c-1")[()]["events_total"] == 2
    assert_tables_are_right(scene, sink)


async def test_every_delivery_of_an_unstorable_event_is_a_reject(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send("page_viewed", NOON, UNSTORABLE)
    scene.send("page_viewed", NOON, UNSTORABLE)
    scene.send("page_viewed", NOON, "e-1")

    await start().drain()

    assert {row["source_offset"] for row in sink.rows[RejectedEventRow.TABLE]} == {0, 1}
    assert rows_of(sink, CustomerStateRow, "c-1")[()]["events_total"] == 1
    assert_tables_are_right(scene, sink)


async def test_offsets_that_the_fetcher_stepped_over_are_no_loss(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start()
    for number in range(3):
        scene.send_body(body("page_viewed", ms(NOON), f"e-{number}"), "website", gap=10)
        await worker.drain()

    assert scene.kafka.committed == {TP(topics.WEBSITE, C_1): 33}
    assert_tables_are_right(scene, sink)


async def test_more_customers_than_memory_holds_are_read_back_from_disk(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start(max_customers=2)
    for number in range(40):
        scene.send("page_viewed", NOON, f"e-{number}", customer_id=f"c-{number % 8}")
        await worker.drain()

    states = sink.final(CustomerStateRow.TABLE, "customer_id")
    assert {row["events_total"] for row in states.values()} == {5}
    assert_tables_are_right(scene, sink)


async def test_a_batch_without_records_moves_the_committed_offset(scene: Scene, start: Start) -> None:
    worker = start()
    tp = TP(topics.CHAT, 0)

    await worker.submit([RecordBatch(tp, 0, 7, [], seek_count=1)])
    await worker.durable({tp: 7})

    assert scene.kafka.committed == {tp: 7}


async def test_a_value_of_5_mb_is_a_reject_with_a_preview(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    value = orjson.dumps("x" * 5_000_000)
    scene.send_bytes(value, "website", 0)

    await start().drain()

    (row,) = sink.rows[RejectedEventRow.TABLE]
    assert (row["reason"], row["payload_bytes"], len(row["payload"])) == ("too_large", 5_000_002, 65_536)
    assert scene.kafka.values(topics.REJECTED)[0].value == value
