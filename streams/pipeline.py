"""The one pipeline of a worker: record batches in, durable state and rows out, offsets committed last.

One task takes what all partitions of all topics have delivered (they share customers) and runs the
numbered steps of `Pipeline._flush`. Anything unexpected ends the process, unacknowledged; whoever owns
the partitions next reads the same records again, which is harmless:

* state is idempotent per customer, source and offset (`core.fold`);
* facts deduplicate by event id, rows are absolute and carry a version that only grows;
* an offset is committed only after everything that follows from it is durable.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import structlog
from faust.types import TP

from schemas import topics
from schemas.rejections import Rejection, RejectReason
from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, EventRow, RejectedEventRow
from streams.churn import Churn
from streams.core import project
from streams.core.dedupe import DedupeLimits
from streams.core.fold import Customer, Outcome, apply
from streams.core.identity import is_linked
from streams.core.status import DEFAULT_POPULATION_GAP_DAYS
from streams.core.windows import DAY_MS
from streams.customers import CustomerCache, changes_of
from streams.errors import FencedError
from streams.failpoints import reach
from streams.folded import Folded
from streams.identity import Identity
from streams.intake import Delivery, Misplaced, Rejected, fact_columns, read
from streams.late import restated_days
from streams.sending import Producer, send_by_partition
from streams.sinks.base import NotStorable, Sink
from streams.transport import RecordBatch
from streams.worker_metrics import WorkerMetrics

log = structlog.get_logger(__name__)

T = TypeVar("T")


class FlushLimits(NamedTuple):
    """A flush takes about `max_records` at most, and waits `linger_seconds` for more once the first is there.

    As many may be waiting for the next one.
    """

    max_records: int = 50_000
    linger_seconds: float = 0.02


class Pipeline:
    """Takes batches with `submit`, flushes them in `run`, and tells `on_durable` what may be committed."""

    def __init__(
        self,
        *,
        customers: CustomerCache,
        producer: Producer,
        sink: Sink,
        partitions: int,
        on_durable: Callable[[Mapping[TP, int]], Awaitable[None]],
        dedupe: DedupeLimits,
        limits: FlushLimits,
        population_gap_days: float = DEFAULT_POPULATION_GAP_DAYS,
        epoch: int = 0,
        metrics: WorkerMetrics | None = None,
    ) -> None:
        self._customers = customers
        self._producer = producer
        self._sink = sink
        self._partitions = partitions
        self._on_durable = on_durable
        self._dedupe = dedupe
        self._limits = limits
        self._epoch = epoch
        self._metrics = metrics or WorkerMetrics()
        self._queue: asyncio.Queue[RecordBatch | None] = asyncio.Queue()
        self._queued_records = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._expected: dict[TP, int] = {}
        self._seek_count = 0
        self._released = True
        #: By the monotonic clock, since when the flush or sweep at hand has been running.
        self.flushing_since: float | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._flushing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sink")
        self._churn = Churn(
            customers=customers,
            producer=producer,
            sink=sink,
            in_thread=self._in_thread,
            partitions=partitions,
            population_gap_days=population_gap_days,
            epoch=epoch,
            metrics=self._metrics,
        )
        self._identity = Identity(
            customers=customers,
            producer=producer,
            sink=sink,
            in_thread=self._in_thread,
            partitions=partitions,
            dedupe=dedupe,
            churn=self._churn,
            epoch=epoch,
        )

    # -- what Faust tells ------------------------------------------------------------------------

    async def submit(self, batch: RecordBatch) -> None:
        """Queue a batch; waits while the queue is full, which is how back-pressure reaches the fetcher."""
        while not self._has_room.is_set():
            await self._has_room.wait()
        self._queue.put_nowait(batch)
        self._count_queued(len(batch.records))

    def _count_queued(self, records: int) -> None:
        self._queued_records += records
        if self._queued_records < self._limits.max_records:
            self._has_room.set()
        else:
            self._has_room.clear()

    def tick(self) -> None:
        """It is time to look who has fallen silent, once everything read by now is flushed."""
        if self._queue.empty() and self._idle.is_set():
            self._queue.put_nowait(None)

    def seek(self, positions: Mapping[TP, int], seek_count: int) -> None:
        """Reading starts anew at these positions; whatever was read before the seek will come again."""
        self._expected = dict(positions)
        self._seek_count = seek_count
        self._released = False

    async def release(self, timeout_seconds: float) -> None:
        """The partitions are about to be taken away: finish the flush at hand, or abandon it.

        Abandoning is safe at any point, as a crash is; it only costs the next owner a replay.
        Nothing is taken again before the next `seek`.
        """
        self._released = True
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_seconds)
        except asyncio.TimeoutError:
            log.warning("flush_abandoned", waited_seconds=timeout_seconds)
            self._sink.interrupt()
            if self._flushing is not None:
                self._flushing.cancel()
            # Behind the interrupted call in the one thread that uses the sink.
            self._thread.submit(self._sink.resume)
        self._seek_count += 1
        self._customers.clear()
        self._churn.forget()

    def close(self) -> None:
        """End the thread that uses the sink; nothing may be running."""
        self._thread.shutdown(wait=False)

    # -- the loop --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Flush and sweep until cancelled; raises whatever these raise."""
        while True:
            batches = await self._take()
            self._idle.clear()
            self.flushing_since = time.monotonic()
            self._flushing = asyncio.create_task(self._flush(batches) if batches else self._sweep())
            try:
                await asyncio.wait({self._flushing})
                if not self._flushing.cancelled():
                    self._flushing.result()
            finally:
                self._flushing.cancel()
                self._flushing = self.flushing_since = None
                self._idle.set()

    async def _take(self) -> list[RecordBatch]:
        """Step 1, take: everything delivered by now, up to the limit; nothing at a tick if nothing waits."""
        batch = await self._queue.get()
        while batch is None and not self._queue.empty():
            batch = self._queue.get_nowait()
        if batch is None:
            return []
        batches = [batch]
        records = len(batch.records)
        if self._queue.empty():
            await asyncio.sleep(self._limits.linger_seconds)
        while records < self._limits.max_records and not self._queue.empty():
            batch = self._queue.get_nowait()
            if batch is not None:
                batches.append(batch)
                records += len(batch.records)
        self._count_queued(-records)
        return batches

    async def _flush(self, batches: list[RecordBatch]) -> None:
        # 2 check: batches from before the last seek will come again; the others must follow one another,
        #   or the framework has lost some on the way.
        seek_count = self._seek_count
        batches = [] if self._released else self._contiguous(batches)
        if not batches:
            return
        reach("taken")
        ended = self._metrics.steps()
        # 3 decode: every record becomes an event, a reject, or a record for another partition.
        deliveries, rejected, misplaced, news = read(batches, self._partitions, self._customers.known)
        ended("decode")
        reach("decoded")
        # 4 hand over what is not ours, and wait until Kafka has it: after the commit nobody reads it again.
        await self._reject(rejected)
        await self._forward(misplaced)
        ended("hand_over")
        reach("handed_over")
        # 5 fold in memory; 6 facts. Facts first, then state: a fact that ClickHouse will never take is
        #   rejected and must not have been counted.
        folded = self._fold(deliveries)
        ended("fold")
        reach("folded")
        refused = await self._insert_facts(folded.facts)
        while refused:
            self._customers.clear()
            await self._reject(refused)
            coordinates = {item.coordinates for item in refused}
            deliveries = [item for item in deliveries if item.coordinates not in coordinates]
            # A duplicate of a refused record is no duplicate any more, but a fact to be tried.
            folded = self._fold(deliveries)
            refused = await self._insert_facts(folded.facts)
        ended("facts")
        reach("facts_inserted")
        # 7 identity: whatever follows from claims and links; the facts now hold all that is known here.
        self._check_owner(seek_count)
        await self._identity.follow(deliveries, folded, news)
        ended("identity")
        reach("identified")
        # 8 state: acknowledged by the changelog first, then local disk, so that disk is never ahead.
        self._check_owner(seek_count)
        await self._customers.save(folded.changes, self._producer)
        ended("state")
        reach("state_written")
        # 9 rows: only from state that is durable, so that no row is ever ahead of it.
        self._check_owner(seek_count)
        await self._in_thread(self._insert_rows, folded)
        ended("rows")
        reach("rows_inserted")
        # 10 late: days that the state no longer holds are recounted from the facts inserted in step 6.
        await self._restate(folded.touched)
        ended("late")
        reach("restated")
        # 11 status: what orders have changed of it, told to the topic before the table.
        self._check_owner(seek_count)
        await self._churn.tell(folded.histories)
        ended("status")
        reach("status_told")
        for customer in folded.touched:
            self._customers.forget_dropped(customer)
            customer.clean()
        # 12 ack: from here on the offsets may be committed.
        self._check_owner(seek_count)
        await self._on_durable({batch.tp: batch.end for batch in batches})
        reach("acked")
        self._note_flush(batches)
        log.debug("flushed", records=len(deliveries), rejected=len(rejected), customers=len(folded.touched))

    async def _sweep(self) -> None:
        """Tell whose silence has changed their status, a part of them at a time, between flushes."""
        seek_count = self._seek_count
        if self._released:
            return
        partitions = sorted({tp.partition for tp in self._expected})
        if await self._churn.sweep(partitions, lambda: self._check_owner(seek_count)):
            self._queue.put_nowait(None)

    def _note_flush(self, batches: list[RecordBatch]) -> None:
        for batch in batches:
            self._metrics.records.labels(batch.tp.topic).inc(len(batch.records))
        self._metrics.flush_records.observe(sum(len(batch.records) for batch in batches))
        self._metrics.last_flush.set_to_current_time()

    # -- the steps -------------------------------------------------------------------------------

    def _contiguous(self, batches: list[RecordBatch]) -> list[RecordBatch]:
        current = [batch for batch in batches if batch.seek_count == self._seek_count]
        for batch in current:
            expected = self._expected.get(batch.tp)
            if batch.start != expected:
                raise FencedError(
                    f"{batch.tp.topic}/{batch.tp.partition}: a batch starts at {batch.start}, expected "
                    f"{expected}: records were lost on the way to the pipeline; a restart reads them again"
                )
            self._expected[batch.tp] = batch.end
        return current

    def _check_owner(self, seek_count: int) -> None:
        """Stop a flush whose partitions have been taken away meanwhile."""
        if seek_count != self._seek_count:
            raise asyncio.CancelledError

    def _fold(self, deliveries: list[Delivery]) -> Folded:
        """Fold, project and encode, one customer after the other, so that each is in the processor's caches
        once and not three times."""
        epoch, limits = self._epoch, self._dedupe
        folded = Folded.empty()
        touched, facts, changes, states, days, fives, _ = folded
        duplicates = 0
        for customer, items in self._customers.load(deliveries):
            for item in items:
                event = item.event
                is_fact = item.is_fact
                if not is_fact and not is_linked(customer.state.links, event.customer, event.moment):
                    continue
                append_day = item.appended_at_ms // DAY_MS
                outcome = apply(customer, event, item.source, item.offset, append_day, limits)
                if outcome is Outcome.DUPLICATE:
                    duplicates += 1
                elif is_fact:
                    facts.append(item)
            touched.append(customer)
            self._churn.note(folded, customer)
            states.append(project.state_row(customer, epoch))
            if not customer.state.is_moved:
                # Before the state is settled: that drops buckets which this flush has pushed out of reach.
                days += project.daily_rows(customer, epoch)
                fives += project.five_rows(customer, epoch)
            changes[customer.partition] += changes_of(customer)
        self._metrics.duplicates.inc(duplicates)
        return folded

    async def _insert_facts(self, facts: list[Delivery]) -> list[Rejected]:
        try:
            await self._in_thread(self._sink.insert, EventRow, fact_columns(facts))
        except NotStorable as error:
            return [
                facts[index].rejected(Rejection(RejectReason.NOT_STORABLE, reason))
                for index, reason in error.refused.items()
            ]
        return []

    def _insert_rows(self, folded: Folded) -> None:
        for table, rows in (
            (CustomerStateRow, folded.states),
            (CustomerDailyRow, folded.days),
            (Customer5mRow, folded.fives),
        ):
            self._sink.insert(table, project.transpose(rows))

    async def _restate(self, touched: list[Customer]) -> None:
        late = [customer for customer in touched if customer.late_days and not customer.state.is_moved]
        if late:
            columns = await self._in_thread(restated_days, late, self._sink, self._customers, self._epoch)
            await self._in_thread(self._sink.insert, CustomerDailyRow, columns)

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def _reject(self, rejected: list[Rejected]) -> None:
        """To `events.rejected` with the original bytes, and to the table that views read."""
        if not rejected:
            return
        for item in rejected:
            self._metrics.rejected.labels(item.rejection.reason.value).inc()
        placed = ((item.partition % self._partitions, item.record()) for item in rejected)
        await send_by_partition(self._producer, topics.REJECTED, placed)
        columns = project.transpose([item.row() for item in rejected])
        await self._in_thread(self._sink.insert, RejectedEventRow, columns)

    async def _forward(self, misplaced: list[Misplaced]) -> None:
        """To the partition that owns the key, with the origin's coordinates in the headers."""
        placed = ((item.owner, item.record()) for item in misplaced)
        await send_by_partition(self._producer, topics.REKEYED, placed)
