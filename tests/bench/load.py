"""A steady stream of events from a process of its own, so that sending does not delay what is measured."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from multiprocessing.synchronize import Event
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer

from tests.bench.preload import batches
from tests.bench.workload import Workload, records

#: Producers that send this much wait about so long for company.
_TICK_SECONDS: Final = 0.025
_START_SECONDS: Final = 300.0
_STOP_SECONDS: Final = 60.0

_Tick = Sequence[tuple[str, int, Any]]


class Load(NamedTuple):
    """`per_second` events for `seconds`, spread as in a `Workload` of so many customers up to `until_ms`."""

    bootstrap: str
    partitions: int
    customers: int
    per_second: float
    seconds: float
    seed: int
    until_ms: int

    @property
    def events(self) -> int:
        return int(self.per_second * self.seconds)


class Sent:
    """How long sending has taken; known behind the block."""

    def __init__(self) -> None:
        self.seconds = 0.0


@contextmanager
def sending(load: Load) -> Iterator[Sent]:
    """Send inside the block, which begins with the first event; behind it everything is acknowledged.

    Raises:
        TimeoutError: events are not made up, or not sent, in time.
    """
    context = multiprocessing.get_context("spawn")
    prepared, ended = context.Event(), context.Queue()
    process = context.Process(target=_run, args=(load, prepared, ended), daemon=True)
    process.start()
    if not prepared.wait(_START_SECONDS):
        raise TimeoutError("the events are not made up")
    sent = Sent()
    yield sent
    sent.seconds = ended.get(timeout=load.seconds + _STOP_SECONDS)
    process.join()


def _run(load: Load, prepared: Event, ended: multiprocessing.Queue[float]) -> None:
    ended.put(asyncio.run(_send(load, prepared)))


async def _send(load: Load, prepared: Event) -> float:
    producer = AIOKafkaProducer(bootstrap_servers=load.bootstrap, acks="all", compression_type="lz4")
    async with producer:
        # Built and compressed beforehand, so that little is left to do while others are measured.
        ticks = [list(tick) for tick in _ticks(producer, load)]
        prepared.set()
        started = time.monotonic()
        waiting: list[asyncio.Future[Any]] = []
        for number, tick in enumerate(ticks):
            await asyncio.sleep(max(0.0, started + number * _TICK_SECONDS - time.monotonic()))
            for topic, partition, batch in tick:
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*waiting)
        return time.monotonic() - started


def _ticks(producer: AIOKafkaProducer, load: Load) -> Iterator[_Tick]:
    made = records(Workload(load.events, load.customers, load.seed, until_ms=load.until_ms), load.partitions)
    per_tick = max(1, int(load.per_second * _TICK_SECONDS))
    while due := list(islice(made, per_tick)):
        tick = list(batches(producer, due))
        for _, _, batch in tick:
            batch.close()
        yield tick
