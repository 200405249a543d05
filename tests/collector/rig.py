"""A collector as a process of its own, and what it left in Kafka."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from schemas.topics import SOURCE_TOPICS, TOPICS
from streams.config import load_settings
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.ops.topics import create_topics

PARTITIONS = 4
ORIGIN = "https://shop.example"
WEB, SERVER, LIMITED = "web-key-1234", "server-key-1234", "limited-key-1234"
KEYS = f"""
[[key]]
write_key = "{WEB}"
source = "shop-web"
origins = ["{ORIGIN}"]

[[key]]
write_key = "{SERVER}"
source = "shop-server"

[[key]]
write_key = "{LIMITED}"
source = "limited"
events_per_second = 0.1
burst = 2
"""
_START_SECONDS = 60.0


def basic(write_key: str) -> dict[str, str]:
    """The header that a write key travels in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()}


class Record(NamedTuple):
    topic: str
    partition: int
    key: bytes | None
    value: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.value)
        return event


class Running(NamedTuple):
    """A collector that serves, or at least listens."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    broker: str

    async def produced(self, text: str) -> list[Record]:
        """All records whose value holds this text."""
        return [record for record in await everything(self.broker) if text.encode() in record.value]


@contextmanager
def collector(broker: str, directory: Path, *, wait_for: str = "/readyz") -> Iterator[Running]:
    """`engage collect` on a free port, until the block ends."""
    keys = directory / "keys.toml"
    keys.write_text(KEYS)
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "streams.cli", "collect", "--host", LOOPBACK, "--port", str(port)]
    log = directory / "collector.log"
    process = spawn([*command, "--keys", str(keys)], log, {"ENGAGE_KAFKA_BOOTSTRAP": broker})
    running = Running(f"http://{LOOPBACK}:{port}", process, log, broker)
    try:
        until_answers(running, wait_for, 200)
        yield running
    finally:
        terminate([process], grace_seconds=20)


def until_answers(running: Running, path: str, status: int) -> None:
    """Wait until GET `path` has this status."""
    deadline = time.monotonic() + _START_SECONDS
    while _status(running.url + path) != status:
        assert running.process.poll() is None, running.log.read_text()
        assert time.monotonic() < deadline, running.log.read_text()
        time.sleep(0.1)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def make_topics(broker: str) -> None:
    """Empty topics, whatever other tests have left."""
    delete_topics(broker)
    create_topics(load_settings(kafka_bootstrap=broker, partitions=PARTITIONS))


def delete_topics(broker: str) -> None:
    names = {spec.name for spec in TOPICS}
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        while existing := names & set(admin.list_topics()):
            admin.delete_topics(sorted(existing), raise_errors=False)


async def everything(broker: str) -> list[Record]:
    """All records of the source topics, up to their ends as they are now."""
    parts = [TopicPartition(topic, number) for topic in SOURCE_TOPICS for number in range(PARTITIONS)]
    found: list[Record] = []
    async with AIOKafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False) as consumer:
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        for part in parts:
            consumer.seek(part, 0)
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for part, records in (await consumer.getmany(timeout_ms=1000)).items():
                found += [Record(part.topic, part.partition, record.key, record.value) for record in records]
    return found
