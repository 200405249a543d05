"""The one pipeline of a worker: record batches in, durable state and rows out, offsets committed last.

One task takes what all partitions of all topics have delivered (they share customers) and runs the
numbered steps below. While the database takes facts and rows of one flush, the next is decoded and folded,
in memory alone. Anything unexpected ends the process, unacknowledged; whoever owns the partitions next reads
the same records again, which is harmless:

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
from schemas.rows import CustomerDailyRow, CustomerTransitionRow, EventRow, RejectedEventRow, Row
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
from streams.inbox import FlushLimits, Inbox
from streams.intake import Delivery, Intake, Misplaced, Rejected, fact_columns, read
from streams.late import restated_days
from streams.sending import Producer, send_by_partition
from streams.sinks.base import NotStorable, Sink
from streams.transport import RecordBatch
from streams.worker_metrics import WorkerMetrics

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Decoded(NamedTuple):
    """Batches of one seek, which `seek_count` names, and what they hold."""

    batches: list[RecordBatch]
    seek_count: int
    intake: Intake

    @property
    def records(self) -> int:
        return sum(len(batch.records) for batch in self.batches)


class Prepared(NamedTuple):
    """A flush that is decoded and folded; nothing of it has left the process.

    It holds while no other seek follows.
    """

    decoded: Decoded
    folded: Folded


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
        known_ends: Callable[[], Mapping[TP, int]] = dict,
    ) -> None:
        self._customers = customers
        self._producer = producer
        self._sink = sink
        self._partitions = partitions
        self._on_durable = on_durable
        self._dedupe = dedupe
        self._inbox = Inbox(limits)
        self._epoch = epoch
        self._metrics = metrics or WorkerMetrics()
        #: By the broker's clock, since when it is time to look who has fallen silent.
        self._sweep_since_ms: int | None = None
        self._expected: dict[TP, int] = {}
        #: When the broker appended the last record that was taken of a partition.
        self._newest_ms: dict[TP, int] = {}
        self._known_ends = known_ends
        self._seek_count = 0
        self._released = True
        #: What the owner before left undone is done.
        self._is_resumed = False
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
        await self._inbox.put(batch)

    def tick(self, now_ms: int) -> None:
        """It is time to look who has fallen silent, once what Kafka has by now is flushed."""
        if self._sweep_since_ms is None:
            self._sweep_since_ms = now_ms
        if self._idle.is_set() and not self._inbox:
            self._inbox.wake()

    def seek(self, positions: Mapping[TP, int], seek_count: int) -> None:
        """Reading starts anew at these positions; whatever was read before the seek will come again."""
        self._expected = dict(positions)
        self._newest_ms.clear()
        self._seek_count = seek_count
        self._released = False
        self._is_resumed = False

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
            batches = await self._inbox.take()
            self._idle.clear()
            self._flushing = asyncio.create_task(self._work_off(batches))
            try:
                await asyncio.wait({self._flushing})
                if not self._flushing.cancelled():
                    self._flushing.result()
            finally:
                self._flushing.cancel()
                self._flushing = self.flushing_since = None
                self._idle.set()

    async def _work_off(self, batches: list[RecordBatch]) -> None:
        """Flush these batches and whatever comes meanwhile, until nothing waits or it is time to sweep."""
        is_current = not batches and self._is_current()
        if not (self._is_resumed or self._released):
            await self._resume()
        prepared = self._prepare(self._decode(batches))
        while prepared is not None:
            self.flushing_since = time.monotonic()
            is_current = self._is_current()
            prepared = await self._flush(prepared, is_last=is_current)
        self.flushing_since = time.monotonic()
        if is_current and self._sweep_since_ms is not None:
            await self._sweep()

    def _is_current(self) -> bool:
        """Whether reading has come, in every partition, to what was appended after the tick, or to the end.

        Under a backlog it has not: a customer must not be told lost whose order is still in Kafka.
        """
        since_ms = self._sweep_since_ms
        if since_ms is None:
            return False
        ends = self._known_ends()
        return all(
            position >= ends.get(tp, 0) or self._newest_ms.get(tp, 0) >= since_ms
            for tp, position in self._expected.items()
        )

    def _decode(self, batches: list[RecordBatch], behind: Decoded | None = None) -> Decoded | None:
        """Steps 2 and 3, of batches that follow those decoded before."""
        # 2 check: batches from before the last seek will come again; the others must follow one another,
        #   or the framework has lost some on the way.
        batches = [] if self._released else self._contiguous(batches)
        if not batches:
            return behind
        reach("taken")
        ended = self._metrics.steps()
        # 3 decode: every record becomes an event, a reject, or a record for another partition.
        intake = read(batches, self._partitions, self._customers.known)
        ended("decode")
        reach("decoded")
        if behind is None:
            return Decoded(batches, self._seek_count, intake)
        behind.batches.extend(batches)
        behind.intake.extend(intake)
        return behind

    def _prepare(self, decoded: Decoded | None) -> Prepared | None:
        """Step 4, in memory: only once everything folded before is durable or given up."""
        if decoded is None or self._released:
            return None
        ended = self._metrics.steps()
        # 4 fold.
        folded = self._fold(decoded.intake.deliveries)
        ended("fold")
        reach("folded")
        return Prepared(decoded, folded)

    async def _flush(self, prepared: Prepared, *, is_last: bool) -> Prepared | None:
        """Steps 5 to 12: make it durable.

        Returns the next flush, prepared meanwhile; none if nothing waited, or this is to be the last for now.
        """
        decoded = prepared.decoded
        seek_count = decoded.seek_count
        if self._released or seek_count != self._seek_count:
            # Whoever has the partitions now folds these events again, from state without them.
            self._customers.clear()
            return None
        deliveries, rejected, misplaced, news = decoded.intake
        ended = self._metrics.steps()
        # 5 hand over what is not ours, and wait until Kafka has it: after the commit nobody reads it again.
        await self._reject(rejected)
        await self._forward(misplaced)
        ended("hand_over")
        reach("handed_over")
        # 6 facts, before state: a fact that ClickHouse will never take is rejected and must not have been
        #   counted. So the next flush may be decoded by now, but not folded.
        inserting = self._start_facts(prepared.folded)
        try:
            ahead = None if is_last else self._decode_more()
        finally:
            folded = await self._stored_facts(inserting, deliveries, prepared.folded)
        ended("facts")
        reach("facts_inserted")
        # 7 identity: whatever follows from claims and links; the facts now hold all that is known here.
        self._check_owner(seek_count)
        await self._identity.follow(folded, news)
        ended("identity")
        reach("identified")
        # 8 state: acknowledged by the changelog first, then local disk, so that disk is never ahead.
        self._check_owner(seek_count)
        await self._customers.save(folded.changes, self._producer)
        ended("state")
        reach("state_written")
        # 9 late: days that the state no longer holds are recounted from the facts inserted in step 6.
        self._check_owner(seek_count)
        await self._restate(folded.touched)
        ended("late")
        reach("restated")
        # 10 status: what orders have changed of it, told to the topic before the table.
        self._check_owner(seek_count)
        transitions = await self._churn.tell(folded.histories)
        ended("status")
        reach("status_told")
        # 11 rows: only from state that is durable, so that no row is ever ahead of it. They are made up, so
        #   customers may be folded further meanwhile.
        self._check_owner(seek_count)
        for customer in folded.touched:
            self._customers.forget_dropped(customer)
            customer.clean()
        # As large as what is prepared next.
        deliveries.clear()
        folded.facts.clear()
        folded.fact_cells.clear()
        rows = folded.rows() | {CustomerTransitionRow: transitions}
        inserting = self._start(self._insert_rows, rows)
        try:
            following = None if is_last else self._prepare(self._decode_more(ahead))
        finally:
            await inserting
        ended("rows")
        reach("rows_inserted")
        # 12 ack: from here on the offsets may be committed.
        self._check_owner(seek_count)
        await self._on_durable({batch.tp: batch.end for batch in decoded.batches})
        reach("acked")
        self._note_flush(decoded)
        log.debug("flushed", records=decoded.records, rejected=len(rejected), customers=len(folded.touched))
        return following

    def _decode_more(self, ahead: Decoded | None = None) -> Decoded | None:
        """What waits, behind what is decoded already, as far as one flush may take it."""
        return self._decode(self._inbox.take_waiting(beside=ahead.records if ahead else 0), ahead)

    async def _resume(self) -> None:
        self.flushing_since = time.monotonic()
        await self._churn.finish(self._owned(), self._ownership())
        self._is_resumed = True

    async def _sweep(self) -> None:
        """Tell whose silence has changed their status, a part of them at a time, between flushes."""
        if self._released:
            return
        if await self._churn.sweep(self._owned(), self._ownership()):
            self._inbox.wake()
        else:
            self._sweep_since_ms = None

    def _note_flush(self, decoded: Decoded) -> None:
        for batch in decoded.batches:
            self._metrics.records.labels(batch.tp.topic).inc(len(batch.records))
        self._metrics.flush_records.observe(decoded.records)
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
            if batch.records:
                self._newest_ms[batch.tp] = batch.records[-1].timestamp
        return current

    def _owned(self) -> list[int]:
        """The partitions that are ours."""
        return sorted({tp.partition for tp in self._expected})

    def _ownership(self) -> Callable[[], None]:
        """`_check_owner` of what is ours now."""
        seek_count = self._seek_count
        return lambda: self._check_owner(seek_count)

    def _check_owner(self, seek_count: int) -> None:
        """Stop a flush whose partitions have been taken away meanwhile."""
        if seek_count != self._seek_count:
            raise asyncio.CancelledError

    def _fold(self, deliveries: list[Delivery]) -> Folded:
        """Fold, project and encode, one customer after the other, so that each is in the processor's caches
        once and not three times."""
        epoch, limits = self._epoch, self._dedupe
        folded = Folded.empty()
        touched, facts, fact_cells, claims, changes, states, days, fives, _ = folded
        duplicates = 0
        for customer, items in self._customers.load(deliveries):
            for item in items:
                event = item.event
                if event.claims:
                    claims.add(event.claims)
                is_fact = item.customer == event.customer
                if not is_fact and not is_linked(customer.state.links, event.customer, event.moment):
                    continue
                append_day = item.appended_at_ms // DAY_MS
                outcome = apply(customer, event, item.source, item.offset, append_day, limits)
                if outcome is Outcome.DUPLICATE:
                    duplicates += 1
                elif is_fact:
                    facts.append(item)
                    # While they are in the processor's caches.
                    fact_cells += item.fact_cells()
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

    def _start_facts(self, folded: Folded) -> asyncio.Future[None]:
        return self._start(self._sink.insert, EventRow, fact_columns(folded.fact_cells))

    async def _stored_facts(
        self, inserting: asyncio.Future[None], deliveries: list[Delivery], folded: Folded
    ) -> Folded:
        """Wait for the facts. Those that will never be taken are rejected and removed from `deliveries`; then
        these are folded anew, as a duplicate of a refused record is no duplicate any more, but a fact."""
        while refused := await _refused(inserting, folded.facts):
            self._customers.clear()
            await self._reject(refused)
            coordinates = {item.coordinates for item in refused}
            deliveries[:] = [item for item in deliveries if item.coordinates not in coordinates]
            folded = self._fold(deliveries)
            inserting = self._start_facts(folded)
        return folded

    def _insert_rows(self, rows: Mapping[type[Row], list[project.Cells]]) -> None:
        for table, cells in rows.items():
            self._sink.insert(table, project.transpose(cells))

    async def _restate(self, touched: list[Customer]) -> None:
        late = [customer for customer in touched if customer.late_days and not customer.state.is_moved]
        if late:
            columns = await self._in_thread(restated_days, late, self._sink, self._customers, self._epoch)
            await self._in_thread(self._sink.insert, CustomerDailyRow, columns)

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        return await self._start(call, *args)

    def _start(self, call: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Run a call in the one thread that uses the sink, behind those started before."""
        return asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

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


async def _refused(inserting: asyncio.Future[None], facts: list[Delivery]) -> list[Rejected]:
    """Wait until these facts are inserted; those that never will be, as rejects."""
    try:
        await inserting
    except NotStorable as error:
        return [
            facts[index].rejected(Rejection(RejectReason.NOT_STORABLE, reason))
            for index, reason in error.refused.items()
        ]
    return []
