"""Real servers and real worker processes that can be hurt one by one.

Kafka and ClickHouse live as long as the test run; every scenario starts from recreated topics, an empty
database and empty data directories.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from kafka import KafkaAdminClient

from schemas.topics import TOPICS
from streams.clickhouse import connect
from streams.config import Settings, load_settings
from streams.embedded import clickhouse, kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.migrations import migrate
from streams.ops.topics import create_topics

PARTITIONS = 4
SESSION_TIMEOUT_SECONDS = 3.0


class Rig:
    """One Kafka, one ClickHouse front, and the workers that a scenario starts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kafka_port, self.clickhouse_port, self._controller_port = free_ports(3)
        self.workers: dict[int, subprocess.Popen[bytes]] = {}
        self._run = 0
        self.start_kafka()
        self.start_clickhouse()

    # -- servers ---------------------------------------------------------------------------------

    def start_kafka(self) -> None:
        argv = kafka.prepare(self.directory / "kafka", self.kafka_port, self._controller_port)
        self.kafka = spawn(argv, self.directory / "kafka.log")
        kafka.wait_until_ready(self.kafka_port, 60)

    def start_clickhouse(self) -> None:
        argv = clickhouse.command(self.directory / "clickhouse", self.clickhouse_port)
        self.clickhouse = spawn(argv, self.directory / "clickhouse.log")
        clickhouse.wait_until_ready(self.clickhouse_port, 60)

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
        )

    @property
    def data_dir(self) -> Path:
        return self.directory / f"run-{self._run}"

    def begin(self) -> None:
        """Empty topics, an empty database, empty directories, a new group."""
        self.stop_workers()
        if self._run:
            client = self.client()
            client.command(f"DROP DATABASE IF EXISTS faults_{self._run}")
            client.close()
            shutil.rmtree(self.data_dir, ignore_errors=True)
        self._run += 1
        self._recreate_topics()
        migrate(self.settings)

    def _recreate_topics(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap)
        names = [spec.name for spec in TOPICS]
        present = [name for name in names if name in admin.list_topics()]
        if present:
            admin.delete_topics(present)
            wait_until(lambda: not set(names) & set(admin.list_topics()), "topics are not deleted")
        admin.close()
        create_topics(self.settings)

    # -- workers ---------------------------------------------------------------------------------

    def start_worker(
        self, number: int = 0, failpoint: str = "", **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker; it does not wait, as the worker may be meant to die before it is ready."""
        directory = self.worker_dir(number)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "ready").unlink(missing_ok=True)
        settings = self.settings
        process = spawn(
            [sys.executable, "-m", "streams.cli", "worker"],
            directory / "worker.log",
            {
                "ENGAGE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
                "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
                "ENGAGE_GROUP_ID": settings.group_id,
                "ENGAGE_PARTITIONS": str(PARTITIONS),
                "ENGAGE_SESSION_TIMEOUT_SECONDS": str(SESSION_TIMEOUT_SECONDS),
                "ENGAGE_DATA_DIR": str(directory),
                "ENGAGE_READY_FILE": str(directory / "ready"),
                "ENGAGE_FAILPOINT": failpoint,
                **environment,
            },
        )
        self.workers[number] = process
        return process

    def worker_dir(self, number: int) -> Path:
        return self.data_dir / f"worker-{number}"

    def wait_ready(self, number: int = 0) -> None:
        ready = self.worker_dir(number) / "ready"
        wait_until(lambda: ready.exists() or self.workers[number].poll() is not None, "worker is not ready")
        assert self.workers[number].poll() is None, self.log(number)

    def kill_worker(self, number: int = 0) -> None:
        self.workers[number].send_signal(signal.SIGKILL)
        self.workers[number].wait()

    def wipe_worker(self, number: int = 0) -> None:
        """Delete a dead worker's disk."""
        shutil.rmtree(self.worker_dir(number) / "state", ignore_errors=True)

    def stop_workers(self) -> None:
        for process in self.workers.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        terminate(list(self.workers.values()), 20)
        self.workers.clear()

    def log(self, number: int = 0) -> str:
        path = self.worker_dir(number) / "worker.log"
        return "\n".join(path.read_text().splitlines()[-20:]) if path.exists() else ""

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
        settings = self.settings
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", "drain", "--timeout", str(timeout_seconds)],
            env={
                **os.environ,
                "ENGAGE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
                "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
                "ENGAGE_GROUP_ID": settings.group_id,
                "ENGAGE_PARTITIONS": str(PARTITIONS),
            },
            capture_output=True,
            text=True,
        )
        logs = "".join(f"\n--- worker {number}\n{self.log(number)}" for number in self.workers)
        assert done.returncode == 0, done.stdout + done.stderr + logs


def wait_until(condition: Callable[[], bool], message: str, timeout_seconds: float = 60) -> None:
    """Poll a condition of another process, which has no event to wait for here."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)
