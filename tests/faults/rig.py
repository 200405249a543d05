"""Real servers and real worker processes that can be hurt one by one.

Kafka and ClickHouse live as long as the test run; every scenario starts from recreated topics, an empty
database and empty data directories.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from kafka.admin import ConfigResource, ConfigResourceType

from schemas.topics import CHANGELOG, TOPICS
from streams.clickhouse import connect
from streams.config import Clock, Settings, load_settings
from streams.embedded import clickhouse, kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import EngageError
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of
from streams.migrations import migrate
from streams.ops.drain import drain
from streams.ops.topics import create_topics
from tests.faults.workers import Workers, wait_until

PARTITIONS = 4
SESSION_TIMEOUT_SECONDS = 3.0

_START_SECONDS = 90.0


class Rig(Workers):
    """One Kafka, one ClickHouse front, and the workers that a scenario starts.

    `recovery_seconds`: how long the last `drain` took, counted from the last `heal`.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.kafka_port, self.clickhouse_port, self._controller_port = free_ports(3)
        self.recovery_seconds = 0.0
        self._healed_at = 0.0
        self._run = 0
        self._kafka_argv = kafka.prepare(directory / "kafka", self.kafka_port, self._controller_port)
        self.start_kafka()
        self.start_clickhouse()

    # -- servers ---------------------------------------------------------------------------------

    def start_kafka(self) -> None:
        self.kafka = spawn(self._kafka_argv, self.directory / "kafka.log")
        kafka.wait_until_ready(self.kafka_port, _START_SECONDS)

    def start_clickhouse(self) -> None:
        argv = clickhouse.command(self.directory / "clickhouse", self.clickhouse_port)
        self.clickhouse = spawn(argv, self.directory / "clickhouse.log")
        clickhouse.wait_until_ready(
            self.clickhouse_port, _START_SECONDS, alive=lambda: self.clickhouse.poll() is None
        )

    def kill_kafka(self) -> None:
        """SIGKILL; the data stays."""
        self.kafka.kill()
        self.kafka.wait()

    def kill_clickhouse(self) -> None:
        """SIGKILL; the data stays."""
        self.clickhouse.kill()
        self.clickhouse.wait()

    def ensure_servers(self) -> None:
        """Start again, or continue, what a scenario has left dead or stopped."""
        for server, start in ((self.kafka, self.start_kafka), (self.clickhouse, self.start_clickhouse)):
            if server.poll() is None:
                server.send_signal(signal.SIGCONT)
            else:
                start()

    def stop(self) -> None:
        self.stop_workers()
        terminate([self.clickhouse, self.kafka], 20)

    # -- scenarios -------------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        return load_settings(
            kafka_bootstrap=f"{LOOPBACK}:{self.kafka_port}",
            clickhouse_url=f"http://{LOOPBACK}:{self.clickhouse_port}/faults_{self._run}",
            group_id=f"faults-{self._run}",
            partitions=PARTITIONS,
            session_timeout_seconds=SESSION_TIMEOUT_SECONDS,
            # A soak leaves millions of rows to look at.
            clickhouse_timeout_seconds=300,
            # Figures hold at the newest event, so that views can be compared at different times.
            clock=Clock.EVENT,
        )

    @property
    def data_dir(self) -> Path:
        return self.directory / f"run-{self._run}"

    def begin(self) -> None:
        """Empty topics, an empty database, empty directories, a new group."""
        self.stop_workers()
        self.ensure_servers()
        if self._run:
            client = self.client()
            client.command(f"DROP DATABASE IF EXISTS faults_{self._run}")
            client.close()
            shutil.rmtree(self.data_dir, ignore_errors=True)
        self._run += 1
        self.recreate_topics(*(spec.name for spec in TOPICS))
        migrate(self.settings)
        self.heal()

    def recreate_topics(self, *names: str) -> None:
        """Delete these topics, and create those that are missing."""
        with kafka_admin(brokers_of(self.settings), _START_SECONDS) as admin:
            present = set(names) & set(admin.list_topics())
            if present:
                admin.delete_topics(sorted(present))
                wait_until(lambda: not present & set(admin.list_topics()), "topics are not deleted")
        create_topics(self.settings)

    @contextmanager
    def topic_setting(self, topic: str, name: str, value: str) -> Iterator[None]:
        """Another setting of a topic inside the block."""
        self._alter(topic, {name: ("SET", value)})
        try:
            yield
        finally:
            # What `engage topics` had set.
            self._alter(topic, {name: ("SET", {spec.name: spec.config for spec in TOPICS}[topic][name])})

    def compact_eagerly(self) -> None:
        """Have the changelog compacted every second or so instead of every week."""
        with self._admin() as admin:
            eager = {"log.cleaner.backoff.ms": ("SET", "300")}
            admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, "1", eager)])
        self._alter(
            CHANGELOG,
            {
                "segment.ms": ("SET", "700"),
                "min.cleanable.dirty.ratio": ("SET", "0.001"),
                "delete.retention.ms": ("SET", "0"),
            },
        )

    def _alter(self, topic: str, configs: dict[str, tuple[str, str]]) -> None:
        with self._admin() as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])

    def heal(self) -> None:
        """From now on everything is in order again: the time that recovery takes begins."""
        self._healed_at = time.monotonic()

    # -- looking ---------------------------------------------------------------------------------

    def client(self) -> Client:
        return connect(self.settings, database="default")

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        client = connect(self.settings)
        try:
            return [tuple(row) for row in client.query(sql, parameters=parameters).result_rows]
        finally:
            client.close()

    def drain(self, timeout_seconds: float = 120) -> None:
        """Wait until everything produced so far is visible and committed."""
        try:
            drain(self.settings, timeout_seconds)
        except EngageError as error:
            logs = "".join(f"\n--- worker {number}\n{self.log(number)}" for number in self.workers)
            raise AssertionError(f"{error}{logs}") from error
        self.recovery_seconds = time.monotonic() - self._healed_at

    def members(self) -> set[str]:
        """Member ids of the workers' group."""
        with self._admin() as admin:
            group = admin.describe_groups([self.settings.group_id])[self.settings.group_id]
            return {member["member_id"] for member in group["members"]}

    def forget_commits(self) -> None:
        """Delete the group once its last member is gone."""
        wait_until(lambda: not self.members(), "members do not leave the group")
        with self._admin() as admin:
            admin.delete_groups([self.settings.group_id])

    def _admin(self) -> Any:
        return kafka_admin(brokers_of(self.settings), _START_SECONDS)

    # -- workers ---------------------------------------------------------------------------------

    def worker_dir(self, number: int) -> Path:
        return self.data_dir / f"worker-{number}"

    def worker_environment(self, number: int) -> dict[str, str]:
        settings = self.settings
        return {
            "ENGAGE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
            "ENGAGE_GROUP_ID": settings.group_id,
            "ENGAGE_PARTITIONS": str(PARTITIONS),
            "ENGAGE_SESSION_TIMEOUT_SECONDS": str(SESSION_TIMEOUT_SECONDS),
            "ENGAGE_RETRY_BACKOFF_MAX_SECONDS": "1",
            "ENGAGE_LOG_FORMAT": "json",
            "ENGAGE_DATA_DIR": str(self.worker_dir(number)),
            "ENGAGE_READY_FILE": str(self.worker_dir(number) / "ready"),
        }
