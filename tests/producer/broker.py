"""A Kafka that tests may hurt, and what a record in it looks like."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from streams.config import Settings, load_settings
from streams.embedded import kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports

PARTITIONS = 4
_START_SECONDS = 90


class Arrived(NamedTuple):
    """A record as a worker sees it."""

    topic: str
    partition: int
    offset: int
    key: str
    body: dict[str, Any]


class Broker:
    """One real Kafka that can be killed, started again with its data, and held still."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.port, controller_port = free_ports(2)
        self.bootstrap = f"{LOOPBACK}:{self.port}"
        self._argv = kafka.prepare(directory / "data", self.port, controller_port)
        self.start()

    @property
    def settings(self) -> Settings:
        return load_settings(kafka_bootstrap=self.bootstrap, partitions=PARTITIONS)

    def start(self) -> None:
        self._process: subprocess.Popen[bytes] = spawn(self._argv, self._directory / "kafka.log")
        kafka.wait_until_ready(self.port, _START_SECONDS)

    def kill(self) -> None:
        """SIGKILL; the data stays."""
        self._process.kill()
        self._process.wait()

    def hold(self) -> None:
        """It keeps its connections and answers nothing, until `release`."""
        self._process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.release()
        terminate([self._process], 20)
