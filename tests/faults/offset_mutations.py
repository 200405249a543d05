"""Mutations of what is read, in which order, and when it is committed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from streams import app, pipeline, state_store, transport
from streams.core.state import decode_state
from streams.failpoints import FAILPOINTS
from streams.pipeline import Pipeline
from streams.state_store import StateStore, customer_key
from tests.faults.mutation import ABANDONED, CRASH, IN_PART, REBALANCE, in_worker

_NOTHING_TO_CLEAR = "without tables, Faust fetches nothing before it has cleared its queues"


@in_worker(ABANDONED)
def acked_once_queued() -> None:
    """An offset counts as durable when its batch has reached the pipeline, as Faust has it."""
    submit = Pipeline.submit

    async def submit_and_ack(self: Pipeline, batch: Any) -> None:
        await submit(self, batch)
        await self._on_durable({batch.tp: batch.end})

    Pipeline.submit = submit_and_ack


@in_worker(ABANDONED, ("a sigterm while clickhouse does not answer", 1))
def acked_in_finally() -> None:
    """A flush acknowledges its batches even if it has failed."""
    flush = Pipeline._flush

    async def flush_and_ack(self: Pipeline, prepared: Any, *, is_last: bool) -> Any:
        try:
            return await flush(self, prepared, is_last=is_last)
        finally:
            await self._on_durable({batch.tp: batch.end for batch in prepared.decoded.batches})

    Pipeline._flush = flush_and_ack


@in_worker(CRASH)
def committed_before_the_inserts() -> None:
    """Offsets are committed when a flush begins."""
    flush, on_durable = Pipeline._flush, app.Worker._on_durable

    async def commit(self: app.Worker, positions: Any) -> None:
        await on_durable(self, positions)
        await self._consumer.force_commit()

    async def commit_and_flush(self: Pipeline, prepared: Any, *, is_last: bool) -> Any:
        if prepared.decoded.seek_count == self._seek_count:
            await self._on_durable({batch.tp: batch.end for batch in prepared.decoded.batches})
        return await flush(self, prepared, is_last=is_last)

    app.Worker._on_durable = commit
    Pipeline._flush = commit_and_flush


@in_worker(IN_PART)
def one_watermark_per_partition() -> None:
    """Whether an offset was applied is decided by the newest one in the partition's recovered state."""
    marks: dict[tuple[int, int], int] = {}
    restore, apply = app.restore, pipeline.apply

    async def restore_and_mark(settings: Any, store: StateStore, *args: Any) -> None:
        await restore(settings, store, *args)
        for partition in args[-1]:
            for source, offset in _applied(store, partition):
                marks[partition, source] = max(offset, marks.get((partition, source), -1))

    def apply_after_mark(customer: Any, event: Any, source: int, *args: Any) -> Any:
        mark = marks.get((customer.partition, source))
        if mark is not None:
            customer.state.applied[source] = max(mark, customer.state.applied.get(source, mark))
        return apply(customer, event, source, *args)

    app.restore = restore_and_mark
    pipeline.apply = apply_after_mark


def _applied(store: StateStore, partition: int) -> Iterable[tuple[int, int]]:
    """Source and newest offset applied, of every customer in the store."""
    start = partition.to_bytes(2, "big") + customer_key("")[:1]
    for key, value in store._db.items(from_key=start):
        if not key.startswith(start):
            return
        yield from decode_state(value[state_store._TERM_BYTES :]).applied.items()


@in_worker(REBALANCE, harmless_because=_NOTHING_TO_CLEAR)
def flow_resumed_by_faust_alone() -> None:
    """Flow control is resumed after the seek, by Faust, and not before it."""
    on_assigned = app.Worker._on_assigned

    async def on_assigned_without_resuming(self: app.Worker, *args: Any, **kwargs: Any) -> None:
        flow_control = self.app.flow_control
        resume, flow_control.resume = flow_control.resume, lambda: None
        try:
            await on_assigned(self)
        finally:
            flow_control.resume = resume

    app.Worker._on_assigned = on_assigned_without_resuming


@in_worker(REBALANCE, harmless_because="covered, see *queued batches lost and contiguity not checked*")
def contiguity_not_checked() -> None:
    """Batches need not start where the one before ended."""
    Pipeline._contiguous = lambda self, batches: [
        batch for batch in batches if batch.seek_count == self._seek_count
    ]


@in_worker(REBALANCE, harmless_because=_NOTHING_TO_CLEAR)
def flow_resumed_by_faust_alone_and_contiguity_not_checked() -> None:
    """Both."""
    flow_resumed_by_faust_alone()
    contiguity_not_checked()


ACKED = ("a crash between two steps", FAILPOINTS.index("acked"))


@in_worker(ACKED, ends_with="records were lost on the way to the pipeline")
def queued_batches_lost() -> None:
    """Five batches of a process never reach the pipeline, as if Faust had cleared its queues too late."""
    submit, numbers = Pipeline.submit, count()

    async def submit_most(self: Pipeline, batch: Any) -> None:
        if next(numbers) not in range(5, 10):
            await submit(self, batch)

    Pipeline.submit = submit_most


@in_worker(REBALANCE)
def queued_batches_lost_and_contiguity_not_checked() -> None:
    """Both."""
    queued_batches_lost()
    contiguity_not_checked()


@in_worker(
    ("three workers that share four partitions", 0), ends_with="has been given to another worker meanwhile"
)
def round_robin_assignment() -> None:
    """Partition p of different topics may belong to different workers."""
    transport.RangePartitionAssignor = RoundRobinPartitionAssignor
