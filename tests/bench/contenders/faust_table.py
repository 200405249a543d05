"""Faust: an agent, a table with a changelog that is written for every event, one insert per second.

Events are acknowledged once their rows are inserted. (`take` would acknowledge a batch as well, but a table
writes to the partition of the event at hand, and in a batch that is the last one's.)
"""

from __future__ import annotations

import asyncio
from functools import cache

import faust
from faust.types import EventT

from tests.bench.contenders.job import decode, fold, new_state
from tests.bench.contenders.rows import Rows
from tests.bench.contenders.task import Task

_PARTITIONS = 8


def application(task: Task) -> faust.App:
    app = faust.App(
        task.name,
        broker=f"kafka://{task.kafka}",
        store="rocksdb://",
        datadir=f"{task.directory}/faust",
        topic_partitions=_PARTITIONS,
        broker_commit_interval=1.0,
        web_enabled=False,
    )
    events = app.topic(*task.topics, value_type=bytes, value_serializer="raw", key_serializer="raw")
    customers = app.Table("customers", partitions=_PARTITIONS)
    rows = Rows(task.clickhouse_url)
    waiting: list[EventT[bytes]] = []
    started = cache(task.started)

    @app.agent(events)
    async def count(stream: faust.Stream[bytes]) -> None:
        async for item in stream.noack().events():
            started()
            message = item.message
            event = decode(
                item.value, message.topic, message.partition, message.offset, round(message.timestamp * 1000)
            )
            customer = customers.get(event.customer) or new_state()
            day = fold(customer, event)
            if day is not None:
                customers[event.customer] = customer
                rows.add(event.fact, day)
            waiting.append(item)

    @app.timer(interval=1.0)
    async def insert() -> None:
        inserted, batch = waiting.copy(), rows.take()
        waiting.clear()
        await asyncio.to_thread(rows.insert, batch)
        for item in inserted:
            item.ack()

    return app


if __name__ == "__main__":
    faust.Worker(application(Task.from_environment()), loglevel="WARNING").execute_from_commandline()
