"""Kafka and ClickHouse for a benchmark, and the records that it reads."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

from kafka.admin import KafkaAdminClient
from typing_extensions import Self

from schemas.topics import CHANGELOG, REJECTED, REKEYED, TOPICS, TopicSpec
from streams import migrations
from streams.clickhouse import connect
from streams.config import Settings, load_settings
from streams.embedded import clickhouse, kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import EngageError
from streams.kafka_admin import kafka_admin
from streams.kafka_security import Brokers
from tests.bench.preload import send
from tests.bench.workload import Workload, records

_START_SECONDS: Final = 90.0
_TOPICS_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.05
_INTERNAL: Final = (CHANGELOG, REJECTED, REKEYED)


class Servers:
    """One Kafka and one ClickHouse front, each a process of its own, until the block ends.

    The source topics, once filled, are read as often as one likes, each time by a new group into a new
    database: `settings(name)` after `migrate(name)`.

    Args:
        directory: for data and logs; belongs to these servers alone.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._partitions = 8
        self._kafka_port, self._clickhouse_port, controller_port = free_ports(3)
        argv = kafka.prepare(directory / "kafka", self._kafka_port, controller_port)
        self._kafka = spawn(argv, directory / "kafka.log")
        argv = clickhouse.command(directory / "clickhouse", self._clickhouse_port)
        self._clickhouse = spawn(argv, directory / "clickhouse.log")

    def __enter__(self) -> Self:
        try:
            kafka.wait_until_ready(self._kafka_port, _START_SECONDS)
            clickhouse.wait_until_ready(
                self._clickhouse_port, _START_SECONDS, alive=lambda: self._clickhouse.poll() is None
            )
        except EngageError:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        terminate([self._clickhouse, self._kafka], grace_seconds=20)

    @property
    def kafka_pid(self) -> int:
        return self._kafka.pid

    @property
    def clickhouse_pid(self) -> int:
        return self._clickhouse.pid

    def settings(self, name: str) -> Settings:
        """Settings with the defaults of production, for the group and the database `name`."""
        return load_settings(
            kafka_bootstrap=f"{LOOPBACK}:{self._kafka_port}",
            clickhouse_url=f"http://{LOOPBACK}:{self._clickhouse_port}/{name}",
            group_id=name,
            partitions=self._partitions,
            data_dir=self.directory / name,
        )

    def preload(self, workload: Workload, partitions: int = 8, prefix: str = "") -> None:
        """Leave the source topics with the records of this workload and no others.

        With a `prefix` that is done to topics whose names begin with it.
        """
        self._partitions = partitions
        self._recreate(TopicSpec(prefix + spec.name, spec.config) for spec in TOPICS)
        send(f"{LOOPBACK}:{self._kafka_port}", records(workload, partitions), prefix)

    def migrate(self, name: str) -> None:
        """An empty database `name`, and empty internal topics: state belongs to one database."""
        self._recreate(spec for spec in TOPICS if spec.name in _INTERNAL)
        migrations.migrate(self.settings(name))

    def drop(self, name: str) -> None:
        """Delete the database, and with it the merges that would go on in the background."""
        client = connect(self.settings(name), database="default")
        client.command(f"DROP DATABASE IF EXISTS {name} SYNC")
        client.close()

    def _recreate(self, specs: Iterable[TopicSpec]) -> None:
        configs = {spec.name: spec.config for spec in specs}
        with kafka_admin(Brokers(f"{LOOPBACK}:{self._kafka_port}"), _TOPICS_SECONDS) as admin:
            _delete(admin, set(configs))
            admin.create_topics(
                {
                    name: {"num_partitions": self._partitions, "replication_factor": 1, "configs": config}
                    for name, config in configs.items()
                },
                wait_for_metadata=True,
            )


def _delete(admin: KafkaAdminClient, names: set[str]) -> None:
    """Delete those of the topics that exist, and wait until they are gone."""
    present = names & set(admin.list_topics())
    if present:
        admin.delete_topics(sorted(present))
    deadline = time.monotonic() + _TOPICS_SECONDS
    while names & set(admin.list_topics()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"topics are not deleted: {', '.join(sorted(present))}")
        time.sleep(_LOOK_SECONDS)
