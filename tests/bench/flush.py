"""CPU time of one flush by step, in this process: what to look at before and after a change.

Kafka and ClickHouse are left out: records are taken from memory, batches and inserts are built and thrown
away. Prints the least and the median of the later flushes: other work on the machine can only add to them.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from aiokafka import ConsumerRecord
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform
from faust.types import TP

from schemas.rows import Row, column_types, columns
from schemas.topics import SOURCE_TOPICS
from streams import pipeline
from streams.cli.worker import collect_rarely
from streams.config import Settings, load_settings
from streams.core.dedupe import DedupeLimits
from streams.core.project import Cells, Columns
from streams.customers import CustomerCache
from streams.inbox import FlushLimits
from streams.pipeline import Pipeline
from streams.sending import Record
from streams.state_store import StateStore
from streams.transport import RecordBatch
from tests.bench.workload import Workload, records

_PARTITIONS = 8
_BATCH_BYTES = 1 << 20


class Stopwatch:
    """CPU seconds by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, step: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def measured(*args: Any, **options: Any) -> Any:
            started = time.thread_time()
            try:
                return call(*args, **options)
            finally:
                self.seconds[step] += time.thread_time() - started

        return measured


class BuiltAndForgotten:
    """In place of producer and sink: does their work up to the socket."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, int], int] = defaultdict(int)

    async def send_all(self, topic: str, partition: int, records: Sequence[Record]) -> int:
        self.build(records)
        self._ends[topic, partition] += len(records)
        return self._ends[topic, partition]

    def build(self, records: Sequence[Record]) -> None:
        """Record batches, compressed."""
        batch = BatchBuilder(_BATCH_BYTES, DefaultRecordBatch.CODEC_ZSTD)
        for record in records:
            while batch.append(key=record.key, value=record.value, timestamp=None) is None:
                batch._build()
                batch = BatchBuilder(_BATCH_BYTES, DefaultRecordBatch.CODEC_ZSTD)
        batch._build()

    def transitions(self, customer_ids: Collection[str]) -> list[Cells]:
        """Nothing was told before."""
        return []

    def insert(self, row: type[Row], data: Columns) -> None:
        """Blocks of ClickHouse's native format, compressed."""
        types = [get_from_name(name) for name in column_types(row)]
        context = InsertContext(row.TABLE, columns(row), types, data, column_oriented=True, compression="lz4")
        for _ in NativeTransform().build_insert(context):
            pass


def main(
    events: Annotated[int, typer.Option(help="How many records.")] = 500_000,
    customers: Annotated[int, typer.Option(help="Of how many customers at most.")] = 50_000,
) -> None:
    """CPU microseconds per record of each step of a flush, in process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = load_settings()
    flushes = list(_flushes(Workload(events, customers), settings.flush_max_records))
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(_measure(flushes, settings, Path(directory)))
    for step, costs in sorted(found.items(), key=lambda item: -min(item[1])):
        print(f"{step:18s} least {min(costs):6.2f}  median {statistics.median(costs):6.2f} µs per record")


async def _measure(
    flushes: Sequence[list[RecordBatch]], settings: Settings, directory: Path
) -> dict[str, list[float]]:
    watch, stub = Stopwatch(), BuiltAndForgotten()
    stub.build = watch.timed("changelog", stub.build)  # type: ignore[method-assign]
    stub.insert = watch.timed("inserts", stub.insert)  # type: ignore[method-assign]
    pipeline.read = watch.timed("decode", pipeline.read)
    store = StateStore(directory / "state", block_cache_mib=settings.block_cache_mib)
    store.get = watch.timed("store, reads", store.get)  # type: ignore[method-assign]
    store.write = watch.timed("store, writes", store.write)  # type: ignore[method-assign]
    flushed = Pipeline(
        customers=CustomerCache(store, max_customers=settings.cache_max_customers),
        producer=stub,
        sink=stub,  # type: ignore[arg-type]
        partitions=_PARTITIONS,
        on_durable=_ignore,
        dedupe=DedupeLimits(),
        limits=FlushLimits(settings.flush_max_records),
    )
    flushed._fold = watch.timed("fold", flushed._fold)  # type: ignore[method-assign]
    flushed.seek({TP(topic, number): 0 for topic in SOURCE_TOPICS for number in range(_PARTITIONS)}, 1)
    collect_rarely()
    found: dict[str, list[float]] = defaultdict(list)
    for number, batches in enumerate(flushes):
        watch.seconds.clear()
        started = time.process_time()
        await flushed._work_off(batches)
        watch.seconds["all"] = time.process_time() - started
        count = sum(len(batch.records) for batch in batches)
        if number >= len(flushes) // 2:
            for step, seconds in watch.seconds.items():
                found[step].append(seconds / count * 1e6)
    flushed.close()
    store.close()
    return found


async def _ignore(positions: Mapping[TP, int]) -> None:
    return


def _flushes(workload: Workload, size: int) -> Iterator[list[RecordBatch]]:
    """The workload as full flushes of record batches."""
    now_ms = int(time.time() * 1000)
    ends: dict[TP, int] = defaultdict(int)
    waiting: dict[TP, list[ConsumerRecord[bytes, bytes]]] = defaultdict(list)
    for number, (topic, partition, key, value) in enumerate(records(workload, _PARTITIONS), 1):
        tp = TP(topic, partition)
        waiting[tp].append(
            ConsumerRecord(topic, partition, ends[tp], now_ms, 1, key, value, None, len(key), len(value), ())
        )
        ends[tp] += 1
        if number % size == 0:
            yield [
                RecordBatch(tp, found[0].offset, found[-1].offset + 1, found, 1)
                for tp, found in waiting.items()
            ]
            waiting.clear()


if __name__ == "__main__":
    typer.run(main)
