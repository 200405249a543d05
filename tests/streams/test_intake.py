"""Records to deliveries, rejects and records for other partitions."""

from __future__ import annotations

import hashlib

import orjson
import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from schemas import topics
from schemas.rejections import RejectReason
from schemas.rows import EventRow, RejectedEventRow, columns
from streams.core.state import linked_source, source_id
from streams.intake import Delivery, Misplaced, News, Rejected, fact_columns, read
from streams.transport import RecordBatch
from tests.core.samples import body, ms

PARTITIONS = 8
NOON = ms("2026-06-15 12:00")
C_1 = topics.partition_of("c-1", PARTITIONS)


def batch(
    topic: str,
    partition: int,
    value: bytes | None,
    *,
    offset: int = 7,
    headers: tuple[tuple[str, bytes], ...] = (),
) -> RecordBatch:
    record = ConsumerRecord(topic, partition, offset, NOON, 1, b"key", value, None, 0, 0, headers)
    return RecordBatch(TP(topic, partition), offset, offset + 1, [record], 1)


def nobody(partition: int, customer: str) -> bool:
    return False


def everybody(partition: int, customer: str) -> bool:
    return True


PAGE = orjson.dumps(body("page_viewed", NOON, "e-1"))


def delivered(one: RecordBatch) -> Delivery:
    ((delivery,), rejected, misplaced, _) = read([one], PARTITIONS, nobody)
    assert not rejected
    assert not misplaced
    return delivery


def test_a_delivery_carries_the_coordinates_of_its_record() -> None:
    delivery = delivered(batch(topics.CHAT, C_1, PAGE))

    assert delivery.coordinates == (topics.CHAT, C_1, 7)
    assert delivery.partition == C_1
    assert delivery.source == source_id(1, C_1)
    assert delivery.appended_at_ms == NOON
    assert delivery.event.channel == "chat"


def test_facts_have_the_columns_of_their_table() -> None:
    facts = fact_columns([*delivered(batch(topics.CHAT, C_1, PAGE)).fact_cells()])

    assert {name: value for name, (value,) in zip(columns(EventRow), facts, strict=True)} == {
        "event_id": "e-1",
        "customer_id": "c-1",
        "anonymous_id": "",
        "channel": "chat",
        "type": "page_viewed",
        "occurred_at": NOON,
        "session_id": "",
        "source": "",
        "properties": '{"url":"https://shop.example/"}',
        "extra": "",
        "source_topic": topics.CHAT,
        "source_partition": C_1,
        "source_offset": 7,
        "appended_at": NOON,
    }


def misplaced(one: RecordBatch) -> Misplaced:
    (deliveries, rejected, (found,), _) = read([one], PARTITIONS, nobody)
    assert not deliveries
    assert not rejected
    return found


def test_a_key_of_another_partition_is_forwarded_with_its_origin_and_comes_back_under_it() -> None:
    found = misplaced(batch(topics.PURCHASE, C_1 ^ 1, PAGE))
    assert found.owner == C_1

    record = found.record()
    arrived = ConsumerRecord(
        topics.REKEYED, C_1, 99, NOON + 5000, 1, record.key, record.value, None, 0, 0, record.headers
    )
    delivery = delivered(RecordBatch(TP(topics.REKEYED, C_1), 99, 100, [arrived], 1))

    assert record.key == b"c-1"
    assert delivery.coordinates == (topics.PURCHASE, C_1 ^ 1, 7)
    assert delivery.source == source_id(2, C_1 ^ 1)
    assert delivery.partition == C_1
    assert delivery.appended_at_ms == NOON
    assert delivery.event.channel == "purchase"


def test_the_partition_follows_the_ids_in_the_event_not_the_key_of_the_record() -> None:
    anonymous = orjson.dumps(body("page_viewed", NOON, "e-1", customer_id=None, anonymous_id="a-9"))
    owner = topics.partition_of("a-9", PARTITIONS)

    assert delivered(batch(topics.WEBSITE, owner, anonymous)).event.customer == "anon:a-9"
    assert misplaced(batch(topics.WEBSITE, owner ^ 1, anonymous)).key == "a-9"


def test_a_customer_that_is_known_here_is_not_looked_at_again() -> None:
    (deliveries, _, misplaced, _) = read([batch(topics.WEBSITE, C_1 ^ 1, PAGE)], PARTITIONS, everybody)

    assert len(deliveries) == 1
    assert not misplaced


def rejected(one: RecordBatch) -> Rejected:
    (deliveries, (found,), misplaced, _) = read([one], PARTITIONS, nobody)
    assert not deliveries
    assert not misplaced
    return found


def test_a_reject_row_has_the_columns_of_its_table() -> None:
    found = rejected(batch(topics.WEBSITE, 3, b"{"))

    row = dict(zip(columns(RejectedEventRow), found.row(), strict=True))
    assert row.pop("detail")
    assert row == {
        "rejected_at": NOON,
        "reason": "not_json",
        "source_topic": topics.WEBSITE,
        "source_partition": 3,
        "source_offset": 7,
        "record_key": b"key",
        "payload": b"{",
        "payload_bytes": 1,
        "payload_sha256": hashlib.sha256(b"{").hexdigest(),
        "replayed_at": None,
    }


@pytest.mark.parametrize(("size", "kept"), [(1024 * 1024, 1024 * 1024), (1024 * 1024 + 1, 64 * 1024)])
def test_of_a_payload_above_1_mib_the_first_64_kib_are_kept(size: int, kept: int) -> None:
    found = rejected(batch(topics.WEBSITE, 3, b"x" * size))

    row = dict(zip(columns(RejectedEventRow), found.row(), strict=True))
    assert (len(row["payload"]), row["payload_bytes"]) == (kept, size)
    assert row["payload_sha256"] == hashlib.sha256(b"x" * size).hexdigest()
    assert found.record().value == b"x" * size


def test_a_null_value_is_rejected_and_stays_null() -> None:
    found = rejected(batch(topics.WEBSITE, 3, None))

    assert found.rejection.reason is RejectReason.NULL_VALUE
    assert found.record().value is None
    assert found.row()[columns(RejectedEventRow).index("payload")] == b""


def test_the_future_begins_24_hours_after_the_append_time_of_the_origin() -> None:
    ahead = orjson.dumps(body("page_viewed", NOON + 86_400_001, "e-1"))
    origin = (
        ("origin_topic", b"events.website"),
        ("origin_partition", b"0"),
        ("origin_offset", b"5"),
        ("origin_appended_ms", str(NOON + 1).encode()),
    )

    assert rejected(batch(topics.WEBSITE, C_1, ahead)).rejection.reason is RejectReason.FUTURE_TIMESTAMP
    assert delivered(batch(topics.REKEYED, C_1, ahead, headers=origin)).appended_at_ms == NOON + 1


def test_order_is_kept() -> None:
    values = [orjson.dumps(body("page_viewed", NOON, f"e-{number}")) for number in range(5)]
    batches = [batch(topics.WEBSITE, C_1, value, offset=number) for number, value in enumerate(values)]

    deliveries = read(batches, PARTITIONS, nobody).deliveries

    assert [item.event.event_id for item in deliveries] == [f"e-{number}" for number in range(5)]


def test_news_about_identity_is_told_once_per_kind_and_id() -> None:
    claimed, linked = News.CLAIMED.record("a-1"), News.LINKED.record("c-1")
    records = [
        ConsumerRecord(topics.REKEYED, 0, offset, NOON, 1, one.key, one.value, None, 0, 0, one.headers)
        for offset, one in enumerate((claimed, linked, claimed))
    ]
    found = read([RecordBatch(TP(topics.REKEYED, 0), 0, 3, records, 1)], PARTITIONS, nobody)

    assert {news: list(about) for news, about in found.news.items()} == {
        News.CLAIMED: [(0, "anon:a-1")],
        News.LINKED: [(0, "c-1")],
    }
    assert not found.deliveries
    assert not found.rejected


def test_a_linked_visitors_event_is_the_customers_but_no_second_fact() -> None:
    visit = orjson.dumps(body("page_viewed", NOON, "e-1", customer_id=None, anonymous_id="a-1"))
    sent = delivered(batch(topics.WEBSITE, topics.partition_of("a-1", PARTITIONS), visit))
    record = sent.forwarded_to("c-1")
    again = ConsumerRecord(
        topics.REKEYED, C_1, 9, NOON + 1, 1, record.key, record.value, None, 0, 0, record.headers
    )

    forwarded = delivered(RecordBatch(TP(topics.REKEYED, C_1), 9, 10, [again], 1))

    assert sent.customer == sent.event.customer == "anon:a-1"
    assert (forwarded.customer, forwarded.event.customer, forwarded.partition) == ("c-1", "anon:a-1", C_1)
    assert forwarded.coordinates == sent.coordinates
    assert forwarded.appended_at_ms == sent.appended_at_ms
    assert forwarded.source == linked_source(sent.source, "anon:a-1") != sent.source
