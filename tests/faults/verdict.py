"""After the system has drained: nothing lost, nothing counted twice, and the disks could be lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from schemas.decode import Event
from schemas.topics import REKEYED, SOURCE_TOPICS
from tests.core.oracle import Expected, expect
from tests.faults.findings import Findings
from tests.faults.ledger import Ledger
from tests.faults.recovered import check_recovered_state
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.rows import check_histories, check_rows
from tests.faults.truth import Delivery, deliveries, rejected_records

VIEWS = (
    "v_customer_360",
    "v_customer_windows",
    "v_customer_revenue",
    "v_orders",
    "v_sessions",
    "v_activity_5m",
)


def assert_nothing_lost_or_counted_twice(rig: Rig, ledger: Ledger, *, rejected_topic: bool = True) -> None:
    """Drain, compare everything that is stored with what is in Kafka, then stop the workers and compare
    their disks with what the changelog alone gives.

    `rejected_topic=False`: an administrator has deleted records of `events.rejected`.

    Raises:
        VerdictFailed: with what is lost, counted twice or otherwise wrong.
    """
    rig.drain()
    findings = Findings()
    received = deliveries(rig.settings.kafka_bootstrap, PARTITIONS, ledger)
    findings.missing(
        "acknowledged records that Kafka does not have",
        ledger.sent.items() - {delivery.at: delivery.value for delivery in received}.items(),
    )
    check_facts_and_rejects(rig, received, findings)
    if rejected_topic:
        check_rejected_topic(rig, received, findings)
    expected = oracle(received)
    check_rows(rig, expected, findings)
    check_histories(rig, expected, findings)
    check_counts(rig, expected, findings)
    check_committed_to_the_end(rig, findings)
    rig.stop_workers()
    check_recovered_state(rig, expected, received, findings)
    findings.raise_if_any()


def oracle(received: Sequence[Delivery]) -> dict[str, Expected]:
    events: dict[str, list[Event]] = defaultdict(list)
    for delivery in received:
        if delivery.event is not None:
            events[delivery.event.customer].append(delivery.event)
    return {customer: expect(of_customer) for customer, of_customer in events.items()}


def check_facts_and_rejects(rig: Rig, received: Sequence[Delivery], findings: Findings) -> None:
    """By source coordinates every record is a fact or a reject, and not both; of several deliveries of one
    event, one."""
    rows = rig.rows("SELECT event_id, source_topic, source_partition, source_offset FROM events FINAL")
    facts = {row[0]: tuple(row[1:]) for row in rows}
    rejects = {
        tuple(row)
        for row in rig.rows("SELECT source_topic, source_partition, source_offset FROM v_rejected_events")
    }
    deliveries_of: dict[str, set[Any]] = defaultdict(set)
    for delivery in received:
        if delivery.event is not None:
            deliveries_of[delivery.event.event_id].add(delivery.at)
    bad = {delivery.at for delivery in received if delivery.event is None}
    findings.missing("events that are no facts", deliveries_of.keys() - facts.keys())
    findings.missing("bad records that are no rejects", bad - rejects)
    findings.surplus("facts that nobody sent", facts.keys() - deliveries_of.keys())
    findings.surplus("rejects that are none", rejects - bad)
    findings.surplus(
        "facts that are there twice", (Counter(row[0] for row in rows) - Counter(facts.keys())).elements()
    )
    strange = [event_id for event_id, at in facts.items() if at not in deliveries_of.get(event_id, {at})]
    findings.check(f"facts at coordinates of other records: {strange[:3]}", not strange)


def check_rejected_topic(rig: Rig, received: Sequence[Delivery], findings: Findings) -> None:
    bad = {delivery.at: delivery.value for delivery in received if delivery.event is None}
    found = rejected_records(rig.settings.kafka_bootstrap, PARTITIONS)
    findings.differences("events.rejected", found, bad)


def check_counts(rig: Rig, expected: dict[str, Expected], findings: Findings) -> None:
    """The sum of all versions is the number of distinct (customer, event id)."""
    found = {row[0]: row[1] for row in rig.rows("SELECT customer_id, n_applied FROM customer_state FINAL")}
    wanted = {customer: what.state["events_total"] for customer, what in expected.items()}
    for customer, n_applied in wanted.items():
        surplus = found.get(customer, 0) - n_applied
        findings.surplus(f"events of {customer} in its state", range(surplus))
        findings.missing(f"events of {customer} in its state", range(-surplus))


def check_committed_to_the_end(rig: Rig, findings: Findings) -> None:
    consumer = KafkaConsumer(bootstrap_servers=rig.settings.kafka_bootstrap, group_id=rig.settings.group_id)
    try:
        tps = [TopicPartition(topic, n) for topic in (*SOURCE_TOPICS, REKEYED) for n in range(PARTITIONS)]
        ends = consumer.end_offsets(tps)
        committed = {tp: consumer.committed(tp) or 0 for tp in tps}
        findings.differences("committed offsets and the ends of the logs", committed, ends)
    finally:
        consumer.close()


def assert_a_rerun_changes_no_view(rig: Rig, *, wipe: bool) -> None:
    """Read everything again from offset 0 into the same database, on the kept disk or on an empty one that
    is recovered from the changelog first."""
    rig.drain()
    before = views(rig)
    rig.stop_workers()
    rig.forget_commits()
    if wipe:
        rig.wipe_worker()
    rig.start_worker()
    rig.drain()
    findings = Findings()
    for view, rows in views(rig).items():
        findings.surplus(f"rows of {view} after a rerun", rows - before[view])
        findings.missing(f"rows of {view} after a rerun", before[view] - rows)
    findings.raise_if_any()


def views(rig: Rig) -> dict[str, set[tuple[Any, ...]]]:
    """Contents of the views; the rig's clock is the newest event's, so they do not depend on the time."""
    return {view: set(rig.rows(f"SELECT * FROM {view}")) for view in VIEWS}
