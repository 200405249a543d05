"""The pipeline when partitions come and go, and when processes end: nothing lost, nothing counted twice."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from faust.types import TP

from schemas import topics
from schemas.rows import CustomerStateRow, EventRow
from streams.errors import FencedError
from streams.sinks.base import Interrupted
from streams.sinks.memory import MemorySink
from tests.streams.fakes import Crashed, FakeWorker, Fuse, content, recover
from tests.streams.scene import (
    PARTITIONS,
    Scene,
    Start,
    assert_tables_are_right,
    rows_of,
)

NOON = "2026-06-15 12:00"
C_1 = topics.partition_of("c-1", PARTITIONS)
ELSEWHERE = 1 - C_1


async def test_lost_batches_end_the_pipeline(scene: Scene, sink: MemorySink, start: Start) -> None:
    worker = start()
    scene.send("page_viewed", NOON, "e-1")
    worker.poll()  # and lost on the way
    scene.send("page_viewed", NOON, "e-2")

    with pytest.raises(FencedError, match=f"events.website/{C_1}: a batch starts at 1, expected 0"):
        await worker.drain()

    assert not sink.rows
    assert not scene.kafka.committed


async def test_batches_from_before_a_seek_are_dropped(scene: Scene, sink: MemorySink, start: Start) -> None:
    worker = start()
    scene.send("page_viewed", NOON, "e-1")
    stale = worker.poll()
    await worker.pipeline.release(timeout_seconds=1)
    worker.join()
    scene.send("page_viewed", NOON, "e-2")
    await worker.submit(stale)

    await worker.drain()

    assert sorted(row["source_offset"] for row in sink.rows[EventRow.TABLE]) == [0, 1]
    assert_tables_are_right(scene, sink)


async def test_a_released_pipeline_takes_batches_away_without_processing_them(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start()
    scene.send("page_viewed", NOON, "e-1")
    stale = worker.poll()
    await worker.pipeline.release(timeout_seconds=1)

    # More than the queue holds: the next line would wait for ever if nobody took them.
    await worker.submit(stale * 100)
    assert not sink.rows

    worker.join()
    await worker.drain()
    assert_tables_are_right(scene, sink)


async def test_a_release_waits_for_the_flush_at_hand(scene: Scene, sink: MemorySink, start: Start) -> None:
    worker = start()
    worker.producer.hold()
    scene.send("page_viewed", NOON, "e-1")
    await worker.submit(worker.poll())
    await worker.producer.called.wait()

    releasing = asyncio.create_task(worker.pipeline.release(timeout_seconds=30))
    await asyncio.sleep(0)
    worker.producer.let_go()
    await releasing

    assert scene.kafka.committed == {TP(topics.WEBSITE, C_1): 1}
    assert_tables_are_right(scene, sink)


async def test_an_abandoned_flush_commits_nothing_and_the_next_run_heals_it(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start()
    worker.producer.hold()
    scene.send("page_viewed", NOON, "e-1")
    await worker.submit(worker.poll())
    await worker.producer.called.wait()

    await worker.pipeline.release(timeout_seconds=0)
    worker.producer.let_go()
    assert not scene.kafka.committed
    assert not sink.rows[CustomerStateRow.TABLE]

    worker.join()
    await worker.drain()
    assert_tables_are_right(scene, sink)


async def test_what_is_queued_behind_the_last_flush_of_a_release_is_left_to_the_next_owner(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start()
    worker.producer.hold()
    scene.send("page_viewed", NOON, "e-1")
    await worker.submit(worker.poll())
    await worker.producer.called.wait()
    scene.send("page_viewed", NOON, "e-2")
    await worker.submit(worker.poll())

    releasing = asyncio.create_task(worker.pipeline.release(timeout_seconds=30))
    await asyncio.sleep(0)
    worker.producer.let_go()
    await releasing
    await worker.pipeline.release(timeout_seconds=30)  # which waits for anything begun meanwhile

    assert [row["event_id"] for row in sink.rows[EventRow.TABLE]] == ["e-1"]
    assert scene.kafka.committed == {TP(topics.WEBSITE, C_1): 1}


class SlowRows(MemorySink):
    """A database that takes facts at once, and rows of customers when `let_go` is called."""

    def __init__(self) -> None:
        super().__init__()
        self.called = threading.Event()
        self._gate = threading.Event()

    def insert(self, row: Any, data: Any) -> None:
        if row is CustomerStateRow:
            self.called.set()
            assert self._gate.wait(60)
        super().insert(row, data)

    def let_go(self) -> None:
        self._gate.set()


async def two_flushes(scene: Scene, worker: FakeWorker, slow: SlowRows) -> None:
    """Two flushes, of which the first is held at its rows and the second prepared meanwhile."""
    for number in range(2):
        scene.send("page_viewed", NOON, f"e-{number}")
        await worker.submit(worker.poll())
    await asyncio.to_thread(slow.called.wait)


async def test_the_next_flush_is_prepared_while_rows_are_inserted_and_nothing_of_it_leaves_the_process(
    scene: Scene, start: Start
) -> None:
    slow = SlowRows()
    worker = start(sink=slow, max_records=1)
    await two_flushes(scene, worker, slow)

    assert not worker.pipeline._inbox
    assert [row["event_id"] for row in slow.rows[EventRow.TABLE]] == ["e-0"]
    assert not scene.kafka.committed

    slow.let_go()
    await worker.drain()
    await worker.durable({TP(topics.WEBSITE, C_1): 2})
    assert_tables_are_right(scene, slow)


async def test_what_is_prepared_when_partitions_go_is_left_to_the_next_owner(
    scene: Scene, start: Start
) -> None:
    slow = SlowRows()
    worker = start(sink=slow, max_records=1)
    await two_flushes(scene, worker, slow)

    releasing = asyncio.create_task(worker.pipeline.release(timeout_seconds=30))
    await asyncio.sleep(0)
    slow.let_go()
    await releasing
    assert scene.kafka.committed == {TP(topics.WEBSITE, C_1): 1}
    assert [row["event_id"] for row in slow.rows[EventRow.TABLE]] == ["e-0"]

    worker.join()
    await worker.drain()
    assert_tables_are_right(scene, slow)


async def test_a_worker_that_gets_its_partitions_back_goes_on_from_what_the_other_did(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    one, other = start("one"), start("other")
    for number in range(4):
        owner, idle = (one, other) if number % 2 else (other, one)
        await idle.pipeline.release(timeout_seconds=1)
        owner.join()
        scene.send("order_completed", NOON, f"e-{number}", "purchase")
        await owner.drain()

    assert_tables_are_right(scene, sink)


class AwaySink(MemorySink):
    """A database that is away until `serve` is called; waits like the real sink, and can be interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.called = threading.Event()
        self.gave_up = threading.Event()
        self._is_away = True
        self._is_interrupted = False
        self._changed = threading.Condition()

    def insert(self, row: Any, data: Any) -> None:
        with self._changed:
            self.called.set()
            self._changed.wait_for(lambda: self._is_interrupted or not self._is_away)
            if self._is_interrupted:
                self.gave_up.set()
                raise Interrupted
        super().insert(row, data)

    def serve(self) -> None:
        with self._changed:
            self._is_away = False
            self._changed.notify_all()

    def interrupt(self) -> None:
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()

    def resume(self) -> None:
        with self._changed:
            self._is_interrupted = False


async def test_a_flush_that_waits_for_the_database_can_be_abandoned_and_done_later(
    scene: Scene, start: Start
) -> None:
    away = AwaySink()
    worker = start(sink=away)
    scene.send("page_viewed", NOON, "e-1")
    await worker.submit(worker.poll())
    await asyncio.to_thread(away.called.wait)

    await worker.pipeline.release(timeout_seconds=0)
    assert await asyncio.to_thread(away.gave_up.wait, 60)
    away.called.clear()
    worker.join()
    draining = asyncio.create_task(worker.drain())
    await asyncio.to_thread(away.called.wait)
    away.serve()
    await draining

    assert_tables_are_right(scene, away)


async def test_a_process_that_ends_before_its_rows_are_written_has_them_written_by_the_next(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send("page_viewed", NOON, "e-1")
    crashing = start(fuse=Fuse(2))  # facts, changelog
    with pytest.raises(Crashed, match="customer_state"):
        await crashing.drain()
    assert rows_of(sink, CustomerStateRow, "c-1") == {}

    await start().drain()

    assert_tables_are_right(scene, sink)


async def test_an_empty_disk_is_rebuilt_from_the_changelog(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    first = start("first")
    for number in range(300):
        scene.send("order_completed", NOON, f"e-{number}", "purchase", order_id=f"o-{number % 7}")
    await first.drain()

    second = start("second")

    assert content(second.store) == content(first.store)
    scene.send("order_completed", NOON, "e-299", "purchase", order_id="o-5")
    await second.drain()
    assert rows_of(sink, CustomerStateRow, "c-1")[()]["events_total"] == 300
    assert_tables_are_right(scene, sink)


async def test_a_stale_record_of_an_earlier_owner_does_not_turn_a_customer_back(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    worker = start()
    scene.send("page_viewed", NOON, "e-1")
    await worker.drain()
    (stale,) = scene.kafka.values(topics.CHANGELOG)
    scene.send("page_viewed", NOON, "e-2")
    await worker.drain()
    scene.kafka.append(topics.CHANGELOG, C_1, stale)  # key and value are all that counts

    other = start("other")
    recover(scene.kafka, worker.store, C_1)

    assert content(other.store) == content(worker.store)
    scene.send("page_viewed", NOON, "e-3")
    await other.drain()
    assert_tables_are_right(scene, sink)


async def test_an_order_whose_changelog_was_cut_off_before_its_customer_is_counted(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    scene.send("order_completed", NOON, "e-1", "purchase")
    crashing = start(fuse=Fuse(1, part=0.5))  # facts pass; of order and customer only the order gets through
    with pytest.raises(Crashed):
        await crashing.drain()
    assert len(scene.kafka.values(topics.CHANGELOG)) == 1

    await start().drain()

    assert_tables_are_right(scene, sink)
