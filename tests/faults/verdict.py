"""After the system has drained: nothing lost, nothing counted twice."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from schemas.topics import CHANGELOG, REKEYED, SOURCE_TOPICS
from tests.core.oracle import Expected, expect
from tests.faults.ledger import Ledger
from tests.faults.rig import PARTITIONS, Rig

Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def assert_nothing_lost_or_counted_twice(rig: Rig, ledger: Ledger) -> None:
    """Compare everything that is stored with what the ledger says."""
    assert_every_record_is_a_fact_or_a_reject(rig, ledger)
    expected = {customer: expect(events) for customer, events in ledger.events_by_customer().items()}
    assert_rows_equal(rig, expected)
    assert_committed_to_the_end(rig)


def assert_every_record_is_a_fact_or_a_reject(rig: Rig, ledger: Ledger) -> None:
    facts = {row[0] for row in rig.rows("SELECT event_id FROM events FINAL")}
    rejects = {
        tuple(row)
        for row in rig.rows("SELECT source_topic, source_partition, source_offset FROM v_rejected_events")
    }
    valid = {sent.event.event_id for sent in ledger.sent if sent.event is not None}
    bad = {sent.at for sent in ledger.sent if sent.event is None}
    assert {"lost": valid - facts, "invented": facts - valid} == {"lost": set(), "invented": set()}
    assert {"lost": bad - rejects, "invented": rejects - bad} == {"lost": set(), "invented": set()}
    assert rig.rows("SELECT count() FROM events FINAL") == [(len(valid),)]


def assert_rows_equal(rig: Rig, expected: dict[str, Expected]) -> None:
    state = by_key(
        rig.rows(
            "SELECT customer_id, is_anonymous, toUnixTimestamp64Milli(first_seen_at), "
            "toUnixTimestamp64Milli(website_seen_at), toUnixTimestamp64Milli(chat_seen_at), "
            "toUnixTimestamp64Milli(purchase_seen_at), events_total, orders_total, n_applied "
            "FROM customer_state FINAL"
        ),
        1,
    )
    fields = ("is_anonymous", "first_seen_at", "website_seen_at", "chat_seen_at", "purchase_seen_at")
    wanted = {
        (customer,): (
            *(what.state[name] for name in fields),
            what.state["events_total"],
            what.state["orders_total"],
            what.state["events_total"],
        )
        for customer, what in expected.items()
    }
    assert differences(state, wanted) == {}
    daily = by_key(
        rig.rows(
            "SELECT customer_id, toInt32(day), toString(channel), events, counts, points, orders, conversations, "
            "messages FROM customer_daily FINAL"
        ),
        3,
    )
    wanted_daily = {
        (customer, day, channel): (
            cell["events"],
            cell["counts"],
            float(cell["points"]),
            cell["orders"],
            cell["conversations"],
            cell["messages"],
        )
        for customer, what in expected.items()
        for (day, channel), cell in what.daily.items()
    }
    assert differences(daily, wanted_daily) == {}


def by_key(rows: list[tuple[Any, ...]], columns: int) -> Rows:
    return {row[:columns]: row[columns:] for row in rows}


def differences(found: Rows, wanted: Rows) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The first few keys whose rows differ."""
    keys = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
    return {key: {"found": found.get(key), "wanted": wanted.get(key)} for key in keys[:5]}


def assert_committed_to_the_end(rig: Rig) -> None:
    consumer = KafkaConsumer(bootstrap_servers=rig.settings.kafka_bootstrap, group_id=rig.settings.group_id)
    try:
        partitions = [
            TopicPartition(topic, n) for topic in (*SOURCE_TOPICS, REKEYED) for n in range(PARTITIONS)
        ]
        ends = consumer.end_offsets(partitions)
        lag = {tp: end - (consumer.committed(tp) or 0) for tp, end in ends.items()}
        assert {tp: n for tp, n in lag.items() if n} == {}
    finally:
        consumer.close()


def changelog_end(rig: Rig) -> int:
    consumer = KafkaConsumer(bootstrap_servers=rig.settings.kafka_bootstrap)
    try:
        partitions = [TopicPartition(CHANGELOG, n) for n in range(PARTITIONS)]
        return int(sum(consumer.end_offsets(partitions).values()))
    finally:
        consumer.close()
