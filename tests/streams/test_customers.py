"""Customers in memory, and how they get there and back to disk."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from faust.types import TP

from schemas import topics
from streams.core import five_cells
from streams.core.dedupe import DedupeLimits
from streams.core.fold import Customer, apply
from streams.core.state import CHANNEL_BITS
from streams.core.windows import day_of
from streams.customers import CustomerCache, changes_of
from streams.errors import LineageError
from streams.intake import Delivery
from streams.state_store import Change, StateStore, customer_key, ids_key, stamped
from tests.core.samples import day, event
from tests.streams.fakes import Crashed, FakeKafka, FakeProducer, Fuse, content, recover

NOON = "2026-06-15 12:00"
SMALL_CHUNKS = DedupeLimits(tail_ids=3, max_ids=6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(tmp_path / "state", block_cache_mib=8)
    yield opened
    opened.close()


def delivery(offset: int, event_type: str = "page_viewed", *, partition: int = 0, **changes: Any) -> Delivery:
    one = event(event_type, NOON, changes.pop("event_id", f"e-{offset}"), **changes)
    record = ConsumerRecord(topics.WEBSITE, partition, offset, 0, 1, b"", b"", None, 0, 0, ())
    return Delivery(one, one.customer, partition, partition, topics.WEBSITE, partition, offset, 0, record)


def fold(cache: CustomerCache, *deliveries: Delivery) -> list[Customer]:
    touched = []
    for customer, items in cache.load(deliveries):
        for item in items:
            apply(customer, item.event, item.source, item.offset, day_of(item.appended_at_ms), SMALL_CHUNKS)
        touched.append(customer)
    return touched


class Kept:
    """A cache, its store and Kafka."""

    def __init__(self, store: StateStore, max_customers: int = 100) -> None:
        self.kafka = FakeKafka(2)
        self.store = store
        self.cache = CustomerCache(store, max_customers=max_customers)

    async def flush(self, *deliveries: Delivery, fuse: Fuse | None = None) -> list[Customer]:
        touched = fold(self.cache, *deliveries)
        changes: dict[int, list[Change]] = defaultdict(list)
        for customer in touched:
            changes[customer.partition] += changes_of(customer)
        await self.cache.save(changes, FakeProducer(self.kafka, fuse or Fuse()))
        for customer in touched:
            self.cache.forget_dropped(customer)
            customer.clean()
        return touched


async def test_customers_come_in_order_of_arrival_whether_they_are_new_or_not(store: StateStore) -> None:
    kept = Kept(store)
    await kept.flush(delivery(0, customer_id="c-2"))

    touched = await kept.flush(*(delivery(1, customer_id=f"c-{number}") for number in (3, 2, 1, 3)))

    assert [customer.id for customer in touched] == ["c-3", "c-2", "c-1"]


async def test_one_id_in_two_partitions_is_two_customers(store: StateStore) -> None:
    kept = Kept(store)

    touched = await kept.flush(delivery(0), delivery(0, partition=1))

    assert [(customer.partition, customer.state.events_total) for customer in touched] == [(0, 1), (1, 1)]


async def test_a_new_customer_is_anonymous_when_its_event_is(store: StateStore) -> None:
    kept = Kept(store)

    (visitor,) = await kept.flush(delivery(0, customer_id=None, anonymous_id="a-1"))
    kept.cache.clear()
    (again,) = fold(kept.cache, delivery(1, customer_id=None, anonymous_id="a-1"))

    assert visitor.state.is_anonymous
    assert again.state.is_anonymous


async def test_a_customer_in_memory_is_the_one_on_disk(store: StateStore) -> None:
    kept = Kept(store)
    arrived = [delivery(number, "order_completed", order_id=f"o-{number % 2}") for number in range(10)]
    (in_memory,) = await kept.flush(*arrived)

    ((loaded, _),) = CustomerCache(store, max_customers=1).load(arrived[:1])

    assert loaded.state == in_memory.state
    assert [entry.event_id for entry in loaded.orders["o-0"]] == ["e-0", "e-2", "e-4", "e-6", "e-8"]


async def test_a_customer_is_known_while_it_is_in_memory(store: StateStore) -> None:
    kept = Kept(store)
    assert not kept.cache.known(0, "c-1")

    await kept.flush(delivery(0))
    assert kept.cache.known(0, "c-1")
    assert not kept.cache.known(1, "c-1")

    kept.cache.clear()
    assert not kept.cache.known(0, "c-1")


async def test_memory_holds_about_as_many_customers_as_it_may(store: StateStore) -> None:
    kept = Kept(store, max_customers=10)
    for number in range(200):
        await kept.flush(
            delivery(number, customer_id=f"c-{number}"), delivery(number, customer_id="c-0", partition=1)
        )

    known = {number for number in range(200) if kept.cache.known(0, f"c-{number}")}
    assert 5 <= len(known) <= 12
    assert max(known) == 199
    assert kept.cache.known(1, "c-0"), "the one that keeps coming stays"


async def test_nothing_is_on_disk_before_the_changelog_has_it(store: StateStore) -> None:
    kept = Kept(store)
    producer = FakeProducer(kept.kafka, Fuse())
    producer.hold()
    changes = changes_of(fold(kept.cache, delivery(0))[0])
    saving = asyncio.create_task(kept.cache.save({0: changes}, producer))
    await producer.called.wait()
    assert content(store) == {}

    producer.let_go()
    await saving

    assert store.offset(0) == 1
    assert len(content(store)) == 2


async def test_a_failed_changelog_leaves_the_disk_as_it_was(store: StateStore) -> None:
    kept = Kept(store)

    with pytest.raises(Crashed):
        await kept.flush(delivery(0), delivery(0, partition=1), fuse=Fuse(1, part=1.0))

    assert content(store) == {}
    assert kept.kafka.end(TP(topics.CHANGELOG, 0)) == kept.kafka.end(TP(topics.CHANGELOG, 1)) == 1


async def test_what_a_customer_refers_to_is_in_the_changelog_before_it(store: StateStore) -> None:
    kept = Kept(store)

    await kept.flush(*(delivery(number, "order_completed", order_id="o-1") for number in range(4)))

    keys = [record.key[:1] for record in kept.kafka.values(topics.CHANGELOG)]
    assert keys == [b"o", b"i", b"c"]


async def test_chunks_beyond_the_limit_are_deleted_from_disk_and_changelog(store: StateStore) -> None:
    kept = Kept(store)
    for number in range(12):
        await kept.flush(delivery(number))

    chunks = store.get(0, [ids_key("c-1", seq) for seq in range(4)])
    assert [chunk is not None for chunk in chunks] == [False, False, True, True]
    tombstones = [record.key for record in kept.kafka.values(topics.CHANGELOG) if record.value is None]
    assert tombstones == [ids_key("c-1", 0), ids_key("c-1", 1)]


async def test_ids_of_all_chunks_are_known_again_after_a_load(store: StateStore) -> None:
    kept = Kept(store)
    await kept.flush(*(delivery(number) for number in range(6)))
    kept.cache.clear()

    (customer,) = await kept.flush(*(delivery(6 + number, event_id=f"e-{number}") for number in range(6)))

    assert [meta.size for meta in customer.state.id_chunks] == [3, 3]
    assert customer.state.events_total == 6


@pytest.mark.parametrize("cleared", [True, False], ids=["read from disk", "in memory"])
async def test_ids_beyond_the_limit_are_forgotten_in_memory_as_on_disk(
    store: StateStore, cleared: bool
) -> None:
    kept = Kept(store)
    for number in range(12):
        await kept.flush(delivery(number))
    if cleared:
        kept.cache.clear()

    (customer,) = await kept.flush(delivery(12, event_id="e-0"), delivery(13, event_id="e-11"))

    assert customer.state.events_total == 13, "e-0 is counted again, e-11 is a duplicate"


async def test_state_of_another_version_is_refused_with_the_way_out(store: StateStore) -> None:
    await Kept(store).flush(delivery(0))
    (value,) = store.get(0, [customer_key("c-1")])
    assert value is not None
    store.write({0: [(customer_key("c-1"), stamped(0, value[:-1] + b"\xc1"))]}, {})

    with pytest.raises(LineageError, match=r"another version's: run `engage rebuild`"):
        list(CustomerCache(store, max_customers=1).load([delivery(1)]))


async def test_what_is_stored_holds_no_bucket_out_of_the_horizon(store: StateStore) -> None:
    kept = Kept(store)
    old = delivery(0)
    old.event = event("page_viewed", "2025-01-01 10:00", "e-0")
    await kept.flush(old, delivery(1))
    kept.cache.clear()

    ((loaded, _),) = kept.cache.load([old])

    assert [key >> CHANNEL_BITS for key in loaded.state.days] == [day("2026-06-15")]
    assert len(five_cells.unpack(loaded.state.fives)) == 1


async def test_the_same_deliveries_give_the_same_changelog_however_they_are_flushed(
    store: StateStore,
) -> None:
    deliveries = [delivery(number, customer_id=f"c-{number % 3}") for number in range(20)]
    at_once, one_by_one = Kept(store), Kept(store)
    await at_once.flush(*deliveries)
    at_once_content = content(store)
    store.forget(0)
    for item in deliveries:
        await one_by_one.flush(item)

    for kept in (at_once, one_by_one):
        store.forget(0)
        recover(kept.kafka, store, 0)
        assert {key: value for key, value in content(store).items() if b"offset" not in key} == {
            key: value for key, value in at_once_content.items() if b"offset" not in key
        }
