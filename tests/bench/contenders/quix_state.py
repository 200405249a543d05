"""Quix Streams: one stream of three topics, state per customer, a batching sink.

`concat` lets co-partitioned topics share state. A checkpoint, after 20,000 records or a second, writes the
sink, then the changelog, then offsets, then RocksDB.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.sinks.base import BatchingSink, SinkBatch

from tests.bench.contenders.job import decode, fold, new_state
from tests.bench.contenders.rows import Rows
from tests.bench.contenders.task import Task


class ClickHouseSink(BatchingSink):
    """One insert per checkpoint and table. One per partition, as by default, would be 24."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def setup(self) -> None:
        self._rows = Rows(self._url)

    def write(self, batch: SinkBatch) -> None:
        for item in batch:
            self._rows.add(*item.value)

    def flush(self) -> None:
        super().flush()
        self._rows.insert(self._rows.take())


def run(task: Task) -> None:
    app = Application(
        broker_address=task.kafka,
        consumer_group=task.name,
        auto_offset_reset="earliest",
        state_dir=f"{task.directory}/state",
        commit_interval=1.0,
        commit_every=20_000,
        loglevel="WARNING",
    )
    started = cache(task.started)

    def count(value: bytes, _: bytes, appended_at_ms: int, __: Any, state: State) -> tuple[Any, ...] | None:
        """Fact and day row of a new event."""
        started()
        at = message_context()
        event = decode(value, at.topic, at.partition, at.offset, appended_at_ms)
        customer = state.get("customer") or new_state()
        day = fold(customer, event)
        if day is None:
            return None
        state.set("customer", customer)
        return event.fact, day

    website, chat, purchase = (
        app.dataframe(app.topic(name, value_deserializer="bytes")) for name in task.topics
    )
    counted = website.concat(chat).concat(purchase).apply(count, stateful=True, metadata=True)
    counted.filter(lambda rows: rows is not None).sink(ClickHouseSink(task.clickhouse_url))
    app.run()


if __name__ == "__main__":
    run(Task.from_environment())
