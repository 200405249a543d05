"""Mutations of the fold, of the state and of its changelog."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import KafkaError

from streams import customers, late, pipeline, state_store
from streams.core import fold
from streams.customers import CustomerCache
from streams.failpoints import reach
from streams.sending import BatchProducer
from streams.state_store import Change, StateStore
from tests.faults.mutation import CRASH, IN_PART, STALE_ROWS, in_worker


@in_worker(CRASH)
def replayed_rows_not_written_again() -> None:
    """A replayed offset does not mark its rows as dirty, so those lost in a crash are not written."""
    fold._touch = lambda customer, event, channel: None


@in_worker(CRASH, harmless_because="covered, see *state before changelog and replays not saved*")
def replays_not_saved_again() -> None:
    """The state of customers that have only replayed offsets is not written to the changelog again."""
    apply, changes_of, save, folded = pipeline.apply, pipeline.changes_of, CustomerCache.save, set()

    def apply_and_note(customer: fold.Customer, *args: Any) -> fold.Outcome:
        outcome = apply(customer, *args)
        if outcome is not fold.Outcome.REPLAYED:
            folded.add(customer)
        return outcome

    def changes_of_folded(customer: fold.Customer) -> list[Change]:
        changes, is_new = changes_of(customer), customer in folded
        folded.discard(customer)
        return changes if is_new else []

    async def save_what_is_left(self: CustomerCache, changes: Changes, producer: BatchProducer) -> None:
        await save(self, {number: records for number, records in changes.items() if records}, producer)

    pipeline.apply = apply_and_note
    pipeline.changes_of = changes_of_folded
    CustomerCache.save = save_what_is_left


@in_worker(CRASH)
def state_before_changelog() -> None:
    """State is on the local disk before it is in the changelog."""
    save = CustomerCache.save

    async def save_state_first(self: CustomerCache, changes: Changes, producer: BatchProducer) -> None:
        stamped = {number: self._store.stamp_all(number, records) for number, records in changes.items()}
        self._store.write(stamped, {})
        reach("state_written")
        await save(self, changes, producer)

    CustomerCache.save = save_state_first


@in_worker(CRASH)
def state_before_changelog_and_replays_not_saved() -> None:
    """Both: what a crash left on the disk alone never comes into the changelog."""
    state_before_changelog()
    replays_not_saved_again()


@in_worker(CRASH)
def dedupe_off() -> None:
    """An event counts although its id is remembered."""
    fold.is_duplicate = lambda first_day, append_day, limits: False


@in_worker(IN_PART)
def order_entries_ahead_of_their_customer_counted() -> None:
    """Order entries whose customer's state a crash has swallowed count as applied."""
    for module in (customers, late):
        module.applied_only = lambda entries, state: entries


Changes = dict[int, list[Change]]

_sending: set[asyncio.Task[None]] = set()


class _Unacknowledged:
    """Sends once, in the background, and tells the offset that the store has."""

    def __init__(self, producer: BatchProducer, store: StateStore) -> None:
        self._producer = producer
        self._store = store

    async def send_all(self, topic: str, partition: int, records: Sequence[Any]) -> int:
        task = asyncio.create_task(self._send(topic, partition, list(records)))
        _sending.add(task)
        task.add_done_callback(_sending.discard)
        return self._store.offset(partition)

    async def _send(self, topic: str, partition: int, records: list[Any]) -> None:
        with contextlib.suppress(KafkaError):
            await self._producer._send_all(topic, partition, records)


@in_worker(IN_PART)
def changelog_not_awaited() -> None:
    """The changelog's acknowledgements are not waited for, nor is what failed sent again."""
    save = CustomerCache.save

    async def save_without_waiting(self: CustomerCache, changes: Changes, producer: BatchProducer) -> None:
        await save(self, changes, _Unacknowledged(producer, self._store))

    CustomerCache.save = save_without_waiting


@in_worker(IN_PART)
def batches_sent_side_by_side() -> None:
    """A batch of records is sent although the one before it may have failed."""

    async def send_all(self: BatchProducer, topic: str, partition: int, records: list[Any]) -> int:
        batches = [self._producer.create_batch()]
        for record in records:
            options = {"timestamp": None, "headers": list(record.headers)}
            while batches[-1].append(key=record.key, value=record.value, **options) is None:
                batches.append(self._producer.create_batch())
        sent = [await self._producer.send_batch(batch, topic, partition=partition) for batch in batches]
        last = (await asyncio.gather(*sent))[-1]
        return int(last.offset) + int(batches[-1].record_count())

    BatchProducer._send_all = send_all


@in_worker((STALE_ROWS, 0))
def any_record_restored() -> None:
    """Terms are not looked at: a former owner's record in the changelog is taken like any other."""
    state_store._is_older = lambda key, value, held: False


@in_worker(
    ("a former owner that writes on while the changelog is compacted", 0),
    ("a former owner that writes on while the changelog is compacted", 1),
)
def outdated_records_not_followed_by_newer_ones() -> None:
    """Values of which a former owner wrote an older one are not written once more."""
    restore = StateStore.restore

    def restore_and_forget(self: StateStore, partition: int, records: Any, offset: int) -> list[bytes]:
        restore(self, partition, records, offset)
        return []

    StateStore.restore = restore_and_forget


@in_worker((STALE_ROWS, 0))
def gaps_in_the_changelog_not_noticed() -> None:
    """Records of somebody else between a worker's own are not looked at."""
    init = CustomerCache.__init__

    def init_without_listener(self: CustomerCache, store: StateStore, **options: Any) -> None:
        init(self, store, **{**options, "on_gap": None})

    CustomerCache.__init__ = init_without_listener
