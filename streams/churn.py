"""Changes of churn status: told when orders make them or silence does, taken back when they no longer hold.

The topic is told first, then the table. So the table is never ahead of the topic, and what it lacks is told
again: at least once there, exactly once here. There are three ways to a change:

* An order behind everything told before adds changes. They are told from durable state, in the order's flush.
* An order before something told, one that is replayed, and a customer folded anew may undo changes: the whole
  history is compared with what the table has.
* Silence: the store finds customers by the day on which their status changes next, so a sweep costs as much
  as there are changes, however many customers there are. Topic and table come before the state here, because
  after a crash no record would be read again to write them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

from schemas.rows import CustomerTransitionRow
from schemas.topics import TRANSITIONS, partition_of
from schemas.transitions import ChurnStatus, StatusChanged, change_id
from streams.core.project import Cells, transition_row, transpose
from streams.core.status import tell
from streams.core.windows import day_of
from streams.customers import CustomerCache, changes_of
from streams.folded import History
from streams.sinks.base import InThread, Sink
from streams.state_store import Change, Due
from streams.transport import Producer, Record
from streams.worker_metrics import WorkerMetrics

_DUE_AT_ONCE: Final = 5_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Churn:
    """Tells changes of status; see above."""

    def __init__(
        self,
        *,
        customers: CustomerCache,
        producer: Producer,
        sink: Sink,
        in_thread: InThread,
        partitions: int,
        population_gap_days: float,
        epoch: int,
        metrics: WorkerMetrics,
    ) -> None:
        self._customers = customers
        self._producer = producer
        self._sink = sink
        self._in_thread = in_thread
        self._partitions = partitions
        self._population_gap_days = population_gap_days
        self._epoch = epoch
        self._metrics = metrics

    async def tell(self, histories: Iterable[History]) -> None:
        """Tell what these histories add to the table, and what they take back."""
        doubtful = [one.customer_id for one in histories if one.is_whole]
        stored: dict[str, list[Cells]] = defaultdict(list)
        if doubtful:
            for change in await self._in_thread(self._sink.transitions, doubtful):
                stored[change[0]].append(change)
        rows = [row for one in histories for row in compared(one, stored[one.customer_id], self._epoch)]
        by_partition: dict[int, list[Record]] = defaultdict(list)
        for row in rows:
            by_partition[partition_of(row[0], self._partitions)].append(record(row))
        for partition, records in by_partition.items():
            await self._producer.send_all(TRANSITIONS, partition, records)
        await self._in_thread(self._sink.insert, CustomerTransitionRow, transpose(rows))
        for _, _, _, to_status, *_, is_retracted, _, _ in rows:
            if not is_retracted:
                self._metrics.transitions.labels(to_status).inc()

    async def sweep(self, partitions: Iterable[int], check_owner: Callable[[], None]) -> int:
        """Tell of customers of these partitions whose silence has changed their status; returns how many.

        `check_owner` raises when the partitions have been taken away.
        """
        now_ms = await self._in_thread(self._sink.as_of)
        swept = 0
        for partition in partitions:
            while due := self._customers.due(partition, day_of(now_ms), _DUE_AT_ONCE):
                await self._sweep(partition, due, now_ms, check_owner)
                swept += len(due)
        return swept

    async def _sweep(
        self, partition: int, due: list[Due], now_ms: int, check_owner: Callable[[], None]
    ) -> None:
        histories: list[History] = []
        changes: list[Change] = []
        for customer in self._customers.some(partition, [one.customer_id for one in due]):
            state, before_ms = customer.state, customer.state.told_ms
            # A customer who has ordered since is due on a later day.
            if state.due_day and state.due_day <= day_of(now_ms):
                told = [
                    transition_row(customer.id, change)
                    for change in tell(state, self._population_gap_days, now_ms)
                    if change.changed_at_ms > before_ms
                ]
                histories.append(History(customer.id, state.n_applied, told, is_whole=False))
                changes += changes_of(customer)
        check_owner()
        await self.tell(histories)
        check_owner()
        await self._customers.save({partition: changes}, self._producer)
        self._customers.done(partition, due)


def compared(history: History, stored: Iterable[Cells], epoch: int) -> list[Cells]:
    """Rows of `customer_transitions` that bring the table from what is stored to this history."""
    held: Mapping[Cells, Cells] = {_key(change): change for change in stored}
    wanted = {_key(change): change for change in history.changes}
    new = [change for key, change in wanted.items() if held.get(key) != change]
    gone = [change for key, change in held.items() if key not in wanted]
    return [
        (*change, is_retracted, epoch, history.n_applied)
        for changes, is_retracted in ((new, 0), (gone, 1))
        for change in changes
    ]


def _key(change: Cells) -> Cells:
    """Customer, instant and status reached."""
    return change[0], change[1], change[3]


def record(row: Cells) -> Record:
    """For `engagement.transitions`, from a row of `customer_transitions`."""
    customer_id, changed_at_ms, from_status, to_status, reason, days, gap_days, ratio, is_retracted, *_ = row
    changed = StatusChanged(
        change_id=change_id(customer_id, changed_at_ms, to_status),
        customer_id=customer_id,
        changed_at=_EPOCH + timedelta(milliseconds=changed_at_ms),
        from_status=ChurnStatus(from_status),
        to_status=ChurnStatus(to_status),
        reason=reason,
        days_since_order=days,
        expected_gap_days=gap_days,
        overdue_ratio=ratio,
        is_retracted=bool(is_retracted),
    )
    return Record(customer_id.encode(), changed.to_value())
