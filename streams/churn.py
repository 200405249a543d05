"""Changes of churn status: told when orders make them or silence does, taken back when they no longer hold.

The topic is told first, then the table. So the table is never ahead of the topic, and what it lacks is told
again: at least once there, exactly once here. There are three ways to a change:

* An order behind everything told before adds changes. They are told from durable state, in the order's flush.
* An order before something told, one that is replayed, and a customer folded anew may undo changes: the whole
  history is compared with what the table has.
* Silence: the store finds customers by the day on which their status changes next, so a sweep costs as much
  as there are changes, however many customers there are. Topic and table come before the state here, because
  after a crash no record would be read again to write them.

A rule that has changed, the population's gap, changes everybody's history: customers are compared with the
table one after the other, and each partition's changelog notes for which gap that is done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

from schemas.rows import CustomerStateRow, CustomerTransitionRow
from schemas.topics import TRANSITIONS, partition_of
from schemas.transitions import ChurnStatus, StatusChanged, change_id
from streams.core.fold import Customer
from streams.core.project import Cells, state_row, transition_row, transpose
from streams.core.status import tell
from streams.core.windows import day_of
from streams.customers import SWEEP_KEY, CustomerCache, changes_of
from streams.folded import Folded, History
from streams.sending import Producer, Record, send_by_partition
from streams.sinks.base import Clock, InThread, Sink
from streams.state_store import Change, Due
from streams.worker_metrics import WorkerMetrics

_AT_ONCE: Final = 5_000
#: Raises when the partitions have been taken away.
CheckOwner = Callable[[], None]
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
        self.population_gap_days = population_gap_days
        self._epoch = epoch
        self._metrics = metrics
        #: By partition, for which gap customers are compared with the table, and up to whom.
        self._done: dict[int, tuple[float, str]] = {}

    def note(self, folded: Folded, customer: Customer) -> None:
        """What orders have changed of a customer's history; before the state is projected and encoded."""
        if customer.reordered_ms is None:
            return
        history = self._history(customer, is_whole=customer.reordered_ms <= customer.state.told_ms)
        if not customer.state.is_anonymous:
            folded.histories.append(history)

    def _history(self, customer: Customer, *, is_whole: bool, now_ms: int = 0) -> History:
        """Up to `now_ms`, see `core.status.tell`: the whole history, or what comes behind what was told."""
        state, before_ms = customer.state, customer.state.told_ms
        told_orders = 0 if is_whole else customer.told_orders
        changes = [
            transition_row(customer.id, change)
            for change in tell(state, self.population_gap_days, now_ms, told_orders)
            if is_whole or change.changed_at_ms > before_ms
        ]
        return History(customer.id, state.n_applied, changes, is_whole)

    async def tell(self, histories: Iterable[History]) -> list[Cells]:
        """Tell the topic what these histories add to the table, and what they take back.

        Returns the rows for `customer_transitions`, which is to say nothing that the topic does not.
        """
        doubtful = [one.customer_id for one in histories if one.is_whole]
        stored: dict[str, list[Cells]] = defaultdict(list)
        if doubtful:
            for change in await self._in_thread(self._sink.transitions, doubtful):
                stored[change[0]].append(change)
        rows = [row for one in histories for row in compared(one, stored[one.customer_id], self._epoch)]
        placed = ((partition_of(row[0], self._partitions), record(row)) for row in rows)
        await send_by_partition(self._producer, TRANSITIONS, placed)
        for _, _, _, to_status, *_, is_retracted, _, _ in rows:
            if not is_retracted:
                self._metrics.transitions.labels(to_status).inc()
        return rows

    async def _tell_and_insert(self, histories: Iterable[History]) -> None:
        rows = await self.tell(histories)
        await self._in_thread(self._sink.insert, CustomerTransitionRow, transpose(rows))

    async def finish(self, partitions: Iterable[int], check_owner: CheckOwner) -> None:
        """Do again, by its own clock, what a sweep has begun that did not come to its end.

        Before anything is folded: an order could make untrue what the sweep has told, and only the state says
        what there is to take back.
        """
        for partition in partitions:
            until_ms = self._customers.unfinished_sweep_ms(partition)
            if until_ms is not None:
                due = self._customers.due(partition, day_of(until_ms), _AT_ONCE)
                await self._tell_due(partition, due, until_ms, check_owner)
                check_owner()
                await self._customers.save({partition: [(SWEEP_KEY, None)]}, self._producer)

    async def sweep(self, partitions: Iterable[int], check_owner: CheckOwner) -> bool:
        """Tell of customers of these partitions whose silence, or a changed rule, has changed their status.

        Looks at some thousands at a time, and returns whether there are more.
        """
        clock = await self._in_thread(self._sink.clock)
        used_gap_days, self.population_gap_days = self.population_gap_days, clock.population_gap_days
        for partition in partitions:
            if due := self._customers.due(partition, day_of(clock.as_of_ms), _AT_ONCE):
                await self._tell_due(partition, due, clock.as_of_ms, check_owner)
                return True
        for partition in partitions:
            noted_gap_days = self._customers.noted_gap_days(partition)
            if noted_gap_days is None:
                check_owner()
                noted_gap_days = used_gap_days
                await self._customers.note_gap_days(partition, used_gap_days, self._producer)
            if noted_gap_days != clock.population_gap_days:
                await self._tell_all(partition, clock, check_owner)
                return True
        return False

    async def _tell_due(self, partition: int, due: list[Due], now_ms: int, check_owner: CheckOwner) -> None:
        histories: list[History] = []
        changes: list[Change] = []
        for customer in self._customers.some(partition, [one.customer_id for one in due]):
            # A customer who has ordered since is due on a later day.
            if 0 < customer.state.due_day <= day_of(now_ms):
                histories.append(self._history(customer, is_whole=False, now_ms=now_ms))
                changes += changes_of(customer)
        if changes:
            check_owner()
            await self._customers.save({partition: [(SWEEP_KEY, str(now_ms).encode())]}, self._producer)
            check_owner()
            await self._tell_and_insert(histories)
            check_owner()
            await self._customers.save({partition: [*changes, (SWEEP_KEY, None)]}, self._producer)
        self._customers.done(partition, due)

    async def _tell_all(self, partition: int, clock: Clock, check_owner: CheckOwner) -> None:
        """Compare histories by the rule in force with the table, for some customers after those done before.

        The state first, with a new version: rows of the same version say the same. A crash begins the
        partition anew, as only its end is noted.
        """
        gap_days, after = self._done.get(partition, (0.0, ""))
        if gap_days != clock.population_gap_days:
            after = ""
        ids = self._customers.after(partition, after, _AT_ONCE)
        histories: list[History] = []
        states: list[Cells] = []
        changes: list[Change] = []
        for customer in self._customers.some(partition, ids):
            if customer.state.order_times_ms and not customer.state.is_anonymous:
                customer.state.n_applied += 1
                histories.append(self._history(customer, is_whole=True, now_ms=clock.as_of_ms))
                states.append(state_row(customer, self._epoch))
                changes += changes_of(customer)
        if histories:
            check_owner()
            await self._customers.save({partition: changes}, self._producer)
            check_owner()
            await self._in_thread(self._sink.insert, CustomerStateRow, transpose(states))
            await self._tell_and_insert(histories)
        check_owner()
        if len(ids) == _AT_ONCE:
            self._done[partition] = (clock.population_gap_days, ids[-1])
        else:
            await self._customers.note_gap_days(partition, clock.population_gap_days, self._producer)

    def forget(self) -> None:
        """The partitions may be others' from now on."""
        self._done.clear()


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
