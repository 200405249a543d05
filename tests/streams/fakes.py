"""Kafka, a group member and a database that crashes on demand, all in memory. Only the local disk is real."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from aiokafka import ConsumerRecord
from faust.types import TP

from schemas import topics
from schemas.rows import Row
from streams import state_store
from streams.core.dedupe import DedupeLimits
from streams.core.project import Columns
from streams.customers import CustomerCache
from streams.inbox import FlushLimits
from streams.pipeline import Pipeline
from streams.sending import Record
from streams.sinks.memory import MemorySink
from streams.state_store import StateStore
from streams.transport import RecordBatch

#: How often a sweep follows a flush.
_SWEEPS = 0.3
#: How often more is read while a flush is at hand.
_READS_ON = 0.4

CONSUMED = (*topics.SOURCE_TOPICS, topics.REKEYED)


class Crashed(Exception):
    """The process ends here."""


class Fuse:
    """Lets so many calls to Kafka and the database pass; the next does a part of its work, then crashes."""

    def __init__(self, passes: int | None = None, part: float = 0.0) -> None:
        self._passes = passes
        self._part = part

    def part_of(self, size: int) -> int | None:
        """None to go on; else how many of `size` items the call still gets done."""
        if self._passes is None:
            return None
        self._passes -= 1
        return None if self._passes >= 0 else round(self._part * size)


class FakeKafka:
    """Topics as lists, and committed offsets. `now_ms` is the broker's clock."""

    def __init__(self, partitions: int, now_ms: int = 0) -> None:
        self.partitions = partitions
        self.now_ms = now_ms
        self.logs: dict[TP, list[ConsumerRecord]] = defaultdict(list)
        self.committed: dict[TP, int] = {}

    def append(self, topic: str, partition: int, record: Record, *, gap: int = 0) -> ConsumerRecord:
        """Append a record, after `gap` offsets that consumers do not see."""
        tp = TP(topic, partition)
        stored = ConsumerRecord(
            topic, partition, self.end(tp) + gap, self.now_ms, 1, record.key, record.value, None, 0, 0,
            tuple(record.headers),
        )  # fmt: skip
        self.logs[tp].append(stored)
        return stored

    def end(self, tp: TP) -> int:
        """The offset that the next record gets."""
        log = self.logs[tp]
        return log[-1].offset + 1 if log else 0

    def consumed_partitions(self) -> list[TP]:
        """Every partition that a worker reads."""
        return [TP(topic, number) for topic in CONSUMED for number in range(self.partitions)]

    def values(self, topic: str) -> list[ConsumerRecord]:
        """All records of a topic."""
        return [record for tp, log in self.logs.items() if tp.topic == topic for record in log]


class FakeProducer:
    """Appends at once, unless `hold` is called; a burnt fuse leaves a part of the records appended."""

    def __init__(self, kafka: FakeKafka, fuse: Fuse) -> None:
        self._kafka = kafka
        self._fuse = fuse
        self.called = asyncio.Event()
        self._gate = asyncio.Event()
        self._gate.set()

    def hold(self) -> None:
        """From now on calls wait; `called` says that one does."""
        self._gate.clear()
        self.called.clear()

    def let_go(self) -> None:
        self._gate.set()

    async def send_all(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        assert records, "Kafka takes no empty batch"
        self.called.set()
        await self._gate.wait()
        part = self._fuse.part_of(len(records))
        for record in records[:part]:
            self._kafka.append(topic, partition, record)
        await asyncio.sleep(0)
        if part is not None:
            raise Crashed(f"sending to {topic}")
        return self._kafka.end(TP(topic, partition))


class CrashingSink:
    """A window on a `MemorySink` that outlives crashes; a burnt fuse leaves a part of the rows inserted."""

    def __init__(self, database: MemorySink, fuse: Fuse) -> None:
        self._database = database
        self._fuse = fuse

    def insert(self, row: type[Row], data: Columns) -> None:
        part = self._fuse.part_of(len(data[0]) if data else 0)
        if part is None:
            self._database.insert(row, data)
            return
        self._database.insert(row, [column[:part] for column in data])
        raise Crashed(f"inserting into {row.TABLE}")

    def facts(self, days: Any) -> Any:
        if self._fuse.part_of(0) is not None:
            raise Crashed("reading facts")
        return self._database.facts(days)

    def __getattr__(self, name: str) -> Any:
        """Any other question, of identity."""

        def ask(*args: Any, **options: Any) -> Any:
            if self._fuse.part_of(0) is not None:
                raise Crashed(f"asking for {name}")
            return getattr(self._database, name)(*args, **options)

        return ask

    def interrupt(self) -> None:
        self._database.interrupt()

    def resume(self) -> None:
        self._database.resume()


class FakeWorker:
    """A process that owns all partitions: disk, pipeline, and the reading that Faust would do for it."""

    def __init__(
        self,
        kafka: FakeKafka,
        database: MemorySink,
        disk: StateStore,
        *,
        fuse: Fuse | None = None,
        dedupe: DedupeLimits = DedupeLimits(),  # noqa: B008  # a constant
        max_customers: int = 1_000,
        max_records: int = 50_000,
        sink: Any = None,
        keeps_commits: Callable[[], bool] = lambda: True,
    ) -> None:
        self.kafka = kafka
        self.store = disk
        self.customers = CustomerCache(self.store, max_customers=max_customers)
        self.producer = FakeProducer(kafka, fuse or Fuse())
        self._keeps_commits = keeps_commits
        self._seek_count = 0
        self._positions: dict[TP, int] = {}
        self._durable: dict[TP, int] = {}
        self._news = asyncio.Event()
        self.pipeline = Pipeline(
            customers=self.customers,
            producer=self.producer,
            sink=sink or CrashingSink(database, fuse or Fuse()),
            partitions=kafka.partitions,
            on_durable=self._on_durable,
            dedupe=dedupe,
            limits=FlushLimits(max_records, linger_seconds=0),
            # Of more than it has sent, the broker has said nothing.
            known_ends=lambda: self._positions,
        )
        self.running = asyncio.create_task(self.pipeline.run())

    def join(self) -> None:
        """Get all partitions assigned: recover their state, seek to the committed offsets."""
        for partition in range(self.kafka.partitions):
            recover(self.kafka, self.store, partition)
        self._seek_count += 1
        self._positions = {tp: self.kafka.committed.get(tp, 0) for tp in self.kafka.consumed_partitions()}
        self._durable = dict(self._positions)
        self.pipeline.seek(self._positions, self._seek_count)

    def poll(self, random: Random | None = None) -> list[RecordBatch]:
        """What the fetcher has next: everything, or some of it from some partitions."""
        found = []
        waiting = [tp for tp in self.kafka.consumed_partitions() if self._positions[tp] < self.kafka.end(tp)]
        if random:
            random.shuffle(waiting)
            waiting = waiting[: random.randint(1, len(waiting) or 1)]
        for tp in waiting:
            start = self._positions[tp]
            records = [record for record in self.kafka.logs[tp] if record.offset >= start]
            if random:
                records = records[: random.randint(1, len(records))]
            self._positions[tp] = records[-1].offset + 1
            found.append(RecordBatch(tp, start, self._positions[tp], records, self._seek_count))
        return found

    async def submit(self, batches: Iterable[RecordBatch]) -> None:
        """Hand batches to the pipeline, as one flush if it takes as many records.

        Raises:
            Exception: whatever ended the pipeline.
        """
        await self._unless_ended(self._submit(batches))

    async def _submit(self, batches: Iterable[RecordBatch]) -> None:
        for batch in batches:
            await self.pipeline.submit(batch)

    async def drain(self, random: Random | None = None) -> None:
        """Read until nothing is left, one flush after the other; at random, more is read during a flush.

        Raises:
            Exception: whatever ended the pipeline.
        """
        while batches := self.poll(random):
            await self.submit(batches)
            while random and random.random() < _READS_ON and (batches := self.poll(random)):
                await self.submit(batches)
            await self.durable(self._positions)
            if random and random.random() < _SWEEPS:
                await self.sweep()

    async def sweep(self) -> None:
        """Let the pipeline look who has fallen silent.

        Raises:
            Exception: whatever ended the pipeline.
        """
        is_due = True
        while is_due:
            # Again and again, as Faust's timer: one that comes at the end of a flush is not heard at once.
            self.pipeline.tick(self.kafka.now_ms)
            await asyncio.sleep(0)
            if self.running.done():
                self.running.result()
            is_due = self.pipeline._sweep_since_ms is not None

    async def durable(self, positions: Mapping[TP, int]) -> None:
        """Wait until these positions may be committed.

        Raises:
            Exception: whatever ended the pipeline.
        """
        while any(self._durable[tp] < position for tp, position in positions.items()):
            self._news.clear()
            await self._unless_ended(self._news.wait())

    async def _unless_ended(self, waiting: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(waiting)
        await asyncio.wait({task, self.running}, return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        if self.running.done():
            self.running.result()

    async def stop(self) -> None:
        """End the process, gently or after a crash; the disk stays."""
        self.running.cancel()
        await asyncio.wait({self.running})

    async def _on_durable(self, positions: Mapping[TP, int]) -> None:
        self._durable.update(positions)
        if self._keeps_commits():
            self.kafka.committed.update(positions)
        self._news.set()


def recover(kafka: FakeKafka, store: StateStore, partition: int) -> None:
    """Restore what the store lacks of its changelog partition."""
    log = kafka.logs[TP(topics.CHANGELOG, partition)]
    missing = [record for record in log if record.offset >= store.offset(partition)]
    for start in range(0, len(missing), 3):
        part = missing[start : start + 3]
        store.restore(partition, [(record.key, record.value) for record in part], part[-1].offset + 1)


def content(store: StateStore) -> dict[bytes, bytes]:
    """Everything in a store, byte for byte; without the index of who is due, which may have old entries."""
    items: Any = store._db.items()
    return {key: value for key, value in items if key[2:3] != state_store._KIND_DUE}
