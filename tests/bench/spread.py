"""Records spread evenly over customers: the workload's, given to others than the busy ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random
from typing import Final

from schemas.topics import partition_of
from tests.bench.workload import BenchRecord, Workload, records

#: Whose records are given away does not matter; fewer customers are quicker to make up.
_DONORS: Final = 1_000


def once_each(customers: int, partitions: int, seed: int) -> Iterator[BenchRecord]:
    """One record for each customer, from 0 on."""
    return _given_to(range(customers), customers, partitions, seed)


def at_random(events: int, customers: int, partitions: int, seed: int) -> Iterator[BenchRecord]:
    """Records of customers drawn with the same odds for all."""
    chance = Random(seed)
    return _given_to((chance.randrange(customers) for _ in range(events)), events, partitions, seed)


def _given_to(owners: Iterable[int], events: int, partitions: int, seed: int) -> Iterator[BenchRecord]:
    made = records(Workload(events, _DONORS, seed), partitions)
    for owner, (topic, _, key, value) in zip(owners, made, strict=True):
        customer_id = f"c-{owner:07}"
        to_key = customer_id.encode()
        yield BenchRecord(topic, partition_of(customer_id, partitions), to_key, value.replace(key, to_key, 1))
