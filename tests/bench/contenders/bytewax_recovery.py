"""Bytewax: state per customer, snapshots every second, a sink that inserts before each snapshot.

Snapshots hold the positions in Kafka, every customer that changed, and the sink's state, so that a batch that
waits in the sink must be inserted before its snapshot is taken.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from tests.bench.contenders.job import Event, decode, fold, new_state
from tests.bench.contenders.rows import Rows
from tests.bench.contenders.task import Task, wait_to_be_stopped

Pair = tuple[tuple[Any, ...], tuple[Any, ...]]

_SNAPSHOT_INTERVAL: Final = timedelta(seconds=1)
_ROWS: Final = 20_000
_RECORDS_PER_POLL: Final = 5_000


class Customer(StatefulBatchLogic[Event, Pair, bytes]):
    """One customer's state. A snapshot is JSON, which costs less than the deep copy of `stateful_map`."""

    def __init__(self, resume: bytes | None) -> None:
        self._state = orjson.loads(resume) if resume else new_state()

    def on_batch(self, values: list[Event]) -> tuple[list[Pair], bool]:
        counted = [(event, fold(self._state, event)) for event in values]
        return [(event.fact, day) for event, day in counted if day is not None], self.RETAIN

    def snapshot(self) -> bytes:
        return orjson.dumps(self._state)


class Inserts(StatefulSinkPartition[Pair, None]):
    """Rows wait here for others, and at the latest for the end of their epoch."""

    def __init__(self, url: str) -> None:
        self._rows = Rows(url)

    def write_batch(self, values: list[Pair]) -> None:
        for fact, day in values:
            self._rows.add(fact, day)
        if len(self._rows) >= _ROWS:
            self._insert()

    def snapshot(self) -> None:
        self._insert()

    def close(self) -> None:
        self._insert()

    def _insert(self) -> None:
        self._rows.insert(self._rows.take())


class ClickHouseSink(FixedPartitionedSink[Pair, None]):
    """One partition for all customers."""

    def __init__(self, url: str) -> None:
        self._url = url

    def list_parts(self) -> list[str]:
        return ["clickhouse"]

    def part_fn(self, item_key: str) -> int:
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> Inserts:
        return Inserts(self._url)


def dataflow(task: Task) -> Dataflow:
    started = cache(task.started)

    def event(message: KafkaSourceMessage[bytes, bytes]) -> tuple[str, Event]:
        started()
        read = decode(message.value, message.topic, message.partition, message.offset, message.timestamp[1])
        return read.customer, read

    flow = Dataflow("bench")
    source = KafkaSource([task.kafka], task.topics, tail=False, batch_size=_RECORDS_PER_POLL)
    messages = op.input("kafka", flow, source)
    counted = op.stateful_batch("count", op.map("decode", messages, event), Customer)
    op.output("clickhouse", counted, ClickHouseSink(task.clickhouse_url))
    return flow


def run(task: Task) -> None:
    """Read the topics to their ends; a last snapshot is part of it."""
    recovery = Path(task.directory) / "recovery"
    recovery.mkdir()
    init_db_dir(recovery, 1)
    cli_main(dataflow(task), epoch_interval=_SNAPSHOT_INTERVAL, recovery_config=RecoveryConfig(str(recovery)))


if __name__ == "__main__":
    given = Task.from_environment()
    run(given)
    given.ended()
    wait_to_be_stopped()
