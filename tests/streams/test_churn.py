"""Changes of status that nobody sends an event for; the tests beside this have interleavings of any kind."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import orjson
import pytest

from schemas.rows import CustomerTransitionRow
from schemas.topics import PURCHASE, TRANSITIONS, partition_of
from schemas.transitions import StatusChanged
from streams import churn
from streams.sinks.memory import MemorySink
from tests.core.samples import ms
from tests.core.status_oracle import DAY_MS, simulate
from tests.streams.fakes import Crashed, FakeWorker, Fuse
from tests.streams.scene import PARTITIONS, Scene, Start, history_of

ORDERED = "2026-06-15 10:00"
CUSTOMERS = tuple(f"c-{number}" for number in range(7))


def order(scene: Scene, customer: str, at: str = ORDERED) -> None:
    order_id = f"{customer}-{at}"
    scene.send("order_completed", at, f"e-{order_id}", "purchase", customer_id=customer, order_id=order_id)


async def folded(scene: Scene, start: Start, *customers: str) -> FakeWorker:
    for customer in customers:
        order(scene, customer)
    worker = start()
    await worker.drain()
    return worker


def told(scene: Scene) -> list[StatusChanged]:
    return [StatusChanged(**orjson.loads(record.value)) for record in scene.kafka.values(TRANSITIONS)]


def histories(sink: MemorySink) -> dict[str, list[Any]]:
    return {customer: history_of(sink, customer) for customer in CUSTOMERS}


async def test_a_silent_customer_is_told_of_on_the_day_and_not_before(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = await folded(scene, start, "c-1")
    sink.now_ms = ms("2026-07-29 23:59")
    await worker.sweep()
    assert [change.to_status for change in told(scene)] == ["active"]

    sink.now_ms = ms("2026-07-30 00:00")
    await worker.sweep()

    assert [change.to_status for change in told(scene)] == ["active", "at_risk"]
    assert told(scene)[-1].reason == "45 days since last order, expected 30"
    assert history_of(sink, "c-1") == simulate([ms(ORDERED)], sink.now_ms)


async def test_what_is_told_once_is_not_told_again(scene: Scene, sink: MemorySink, start: Start) -> None:
    worker = await folded(scene, start, "c-1")
    sink.now_ms = ms("2027-01-01")
    for _ in range(3):
        await worker.sweep()

    assert [change.to_status for change in told(scene)] == ["active", "at_risk", "churned"]


async def test_steady_traffic_does_not_keep_silence_from_being_told(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    await (await folded(scene, start, "c-1")).stop()
    worker = start(max_records=1)
    traffic = asyncio.create_task(_never_idle(scene, worker))
    sink.now_ms = ms("2026-07-30 00:00")

    await worker.sweep()

    assert not traffic.done()
    traffic.cancel()
    assert [change.to_status for change in told(scene)] == ["active", "at_risk"]


async def _never_idle(scene: Scene, worker: FakeWorker) -> None:
    """Have a batch wait whenever the worker has ended a flush."""
    for number in count():
        scene.kafka.now_ms += 1_000
        scene.send("page_viewed", ORDERED, f"view-{number}", customer_id="c-2")
        await worker.submit(worker.poll())


async def test_a_customer_whose_order_is_in_the_backlog_is_not_told_lost(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    await (await folded(scene, start, "c-1")).stop()
    scene.kafka.now_ms = sink.now_ms = ms("2026-07-30 00:00")
    scene.send("page_viewed", ORDERED, "view", customer_id="c-1")
    order(scene, "c-1", "2026-07-29 10:00")
    scene.kafka.now_ms += 60_000
    worker = start(max_records=1)
    view, ordered = worker.poll()
    await worker.submit([view])
    worker.pipeline.tick(scene.kafka.now_ms)
    await worker.durable({view.tp: view.end})
    await worker.submit([ordered])
    await worker.durable({ordered.tp: ordered.end})
    await worker.sweep()

    assert [change.to_status for change in told(scene)] == ["active"]
    assert history_of(sink, "c-1") == simulate([ms(ORDERED), ms("2026-07-29 10:00")], sink.now_ms)


async def test_a_partition_that_is_read_up_to_now_does_not_speak_for_the_others(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    await (await folded(scene, start, "c-1")).stop()
    scene.kafka.now_ms = sink.now_ms = ms("2026-07-30 00:00")
    order(scene, "c-1", "2026-07-29 10:00")
    worker = start()
    since_ms = scene.kafka.now_ms
    scene.kafka.now_ms += 60_000
    scene.send("page_viewed", ORDERED, "view", customer_id="c-1")
    view, ordered = sorted(worker.poll(), key=lambda batch: batch.tp.topic == PURCHASE)
    worker.pipeline.tick(since_ms)
    await worker.submit([view])
    await worker.durable({view.tp: view.end})
    await worker.submit([ordered])
    await worker.durable({ordered.tp: ordered.end})
    await worker.sweep()

    assert [change.to_status for change in told(scene)] == ["active"]


async def test_a_late_order_takes_back_what_no_longer_holds_and_says_so(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = await folded(scene, start, "c-1")
    sink.now_ms = ms("2026-08-20")
    await worker.sweep()
    scene.kafka.now_ms = sink.now_ms
    order(scene, "c-1", "2026-07-20 10:00")
    await worker.drain()

    changes = told(scene)
    assert [(change.to_status, change.is_retracted) for change in changes] == [
        ("active", False),
        ("at_risk", False),
        ("at_risk", True),
    ]
    assert changes[1].change_id == changes[2].change_id != changes[0].change_id
    assert history_of(sink, "c-1") == simulate([ms(ORDERED), ms("2026-07-20 10:00")], sink.now_ms)


@pytest.mark.parametrize("passes", range(6))
async def test_a_sweep_that_ends_anywhere_is_made_again(
    scene: Scene, sink: MemorySink, start: Start, passes: int
) -> None:
    first = await folded(scene, start, *CUSTOMERS)
    await first.stop()
    sink.now_ms = ms("2026-08-01")
    second = start(fuse=Fuse(passes, 0.5))
    try:
        await second.sweep()
    except Crashed:
        await second.stop()

    await start().sweep()

    assert histories(sink) == dict.fromkeys(CUSTOMERS, simulate([ms(ORDERED)], sink.now_ms))


@pytest.mark.parametrize("passes", range(7))
async def test_a_sweep_that_ends_anywhere_leaves_nothing_behind_that_the_next_order_makes_untrue(
    scene: Scene, sink: MemorySink, start: Start, passes: int
) -> None:
    first = await folded(scene, start, *CUSTOMERS)
    await first.stop()
    scene.kafka.now_ms = sink.now_ms = ms("2026-08-01")
    second = start(fuse=Fuse(passes, 1.0))
    try:
        await second.sweep()
    except Crashed:
        await second.stop()
    for customer in CUSTOMERS:
        order(scene, customer, "2026-07-20 10:00")

    third = start()
    await third.drain()
    await third.sweep()

    times = [ms(ORDERED), ms("2026-07-20 10:00")]
    assert histories(sink) == dict.fromkeys(CUSTOMERS, simulate(times, sink.now_ms))


@pytest.mark.parametrize("at_once", [2, 3, 100])
async def test_a_changed_population_gap_changes_everybodys_history_some_at_a_time(
    scene: Scene, sink: MemorySink, start: Start, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(churn, "_AT_ONCE", at_once)
    worker = await folded(scene, start, *CUSTOMERS)
    sink.now_ms = ms("2026-08-01")
    await worker.sweep()

    sink.population_gap_days = 10.0
    await worker.sweep()

    assert histories(sink) == dict.fromkeys(CUSTOMERS, simulate([ms(ORDERED)], sink.now_ms, 10.0))
    rows = len(sink.rows[CustomerTransitionRow.TABLE])
    await worker.sweep()
    assert len(sink.rows[CustomerTransitionRow.TABLE]) == rows, "all are compared once"


@pytest.mark.parametrize("passes", range(0, 16, 2))
async def test_comparing_everybody_goes_on_after_a_crash_anywhere(
    scene: Scene, sink: MemorySink, start: Start, monkeypatch: pytest.MonkeyPatch, passes: int
) -> None:
    monkeypatch.setattr(churn, "_AT_ONCE", 2)
    first = await folded(scene, start, *CUSTOMERS)
    sink.now_ms = ms("2026-08-01")
    await first.sweep()
    await first.stop()
    sink.population_gap_days = 10.0
    second = start(fuse=Fuse(passes, 0.5))
    try:
        await second.sweep()
    except Crashed:
        await second.stop()

    await start().sweep()

    assert histories(sink) == dict.fromkeys(CUSTOMERS, simulate([ms(ORDERED)], sink.now_ms, 10.0))


async def test_no_more_customers_are_looked_at_than_are_due(
    scene: Scene, sink: MemorySink, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, customer in enumerate(CUSTOMERS):
        order(scene, customer, f"2026-06-{10 + number} 10:00")
    worker = start()
    await worker.drain()
    looked_at: list[str] = []
    some = worker.customers.some

    def noting(partition: int, customer_ids: Any) -> Any:
        looked_at.extend(customer_ids)
        return some(partition, customer_ids)

    monkeypatch.setattr(worker.customers, "some", noting)
    sink.now_ms = ms("2026-06-12") + 45 * DAY_MS
    await worker.sweep()
    await worker.sweep()

    assert sorted(looked_at) == ["c-0", "c-1", "c-2"]


async def test_an_order_leaves_an_old_day_behind_which_costs_one_look(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = await folded(scene, start, "c-1")
    scene.kafka.now_ms = ms("2026-07-20 10:00")
    order(scene, "c-1", "2026-07-20 10:00")
    await worker.drain()
    sink.now_ms = ms("2026-08-01")

    await worker.sweep()

    assert [change.to_status for change in told(scene)] == ["active"]
    partition = partition_of("c-1", PARTITIONS)
    assert worker.store.due(partition, sink.now_ms // DAY_MS, 10) == []
    assert len(worker.store.due(partition, sink.now_ms // DAY_MS + 100, 10)) == 1
