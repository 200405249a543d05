"""aiokafka alone: every record is fetched, decompressed and handed over, and nothing is done with it.

The limit for everything that reads Kafka through this client, as our worker and Faust do.
"""

from __future__ import annotations

import uvloop
from aiokafka import AIOKafkaConsumer

from tests.bench.contenders.task import Task, wait_to_be_stopped


async def read(task: Task) -> int:
    """Read the topics from end to end; returns the number of records."""
    consumer = AIOKafkaConsumer(
        *task.topics,
        bootstrap_servers=task.kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    records = 0
    async with consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        ends = {partition: end for partition, end in ends.items() if end}
        task.started()
        while ends:
            fetched = await consumer.getmany(timeout_ms=1_000, max_records=20_000)
            records += sum(map(len, fetched.values()))
            for partition in fetched:
                if await consumer.position(partition) >= ends[partition]:
                    del ends[partition]
    return records


if __name__ == "__main__":
    given = Task.from_environment()
    records = uvloop.run(read(given))
    given.ended()
    given.tell([records])
    wait_to_be_stopped()
