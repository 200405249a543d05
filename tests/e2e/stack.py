"""The whole product on this machine, as a user starts it: `engage up` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings, load_settings

START_SECONDS = 120


class Stack:
    """A running `engage up`. Commands run as a user runs them, with the addresses in the environment."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes]) -> None:
        self.directory = directory
        self.process = process

    @property
    def ready(self) -> dict[str, Any]:
        """The ready file's content; it is rewritten when a child is restarted."""
        content: dict[str, Any] = json.loads((self.directory / "ready.json").read_text())
        return content

    @property
    def settings(self) -> Settings:
        ready = self.ready
        return load_settings(kafka_bootstrap=ready["kafka"], clickhouse_url=ready["clickhouse"])

    def engage(self, *arguments: str, timeout_seconds: float = 240) -> str:
        """Run `engage …` and return what it prints; a failure fails the test with its output."""
        ready = self.ready
        environment = {
            **os.environ,
            "ENGAGE_KAFKA_BOOTSTRAP": ready["kafka"],
            "ENGAGE_CLICKHOUSE_URL": ready["clickhouse"],
        }
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
        )
        assert done.returncode == 0, f"engage {' '.join(arguments)}: {done.stdout}{done.stderr}{self.logs()}"
        return done.stdout

    def drain(self) -> None:
        self.engage("drain", "--timeout", "200")

    def client(self) -> Client:
        return connect(self.settings)

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        client = self.client()
        try:
            return [tuple(row) for row in client.query(sql, parameters=parameters).result_rows]
        finally:
            client.close()

    def kill(self, name: str) -> int:
        """SIGKILL a child; returns its process id."""
        pid = int(self.ready["pids"][name])
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_restart(self, name: str, old_pid: int) -> None:
        """Wait until the ready file names another process for a child."""
        until(lambda: self.ready["pids"].get(name) not in (None, old_pid), f"{name} was not restarted")

    def logs(self) -> str:
        """The last lines of every child's log, for a failing test's output."""
        logs = sorted((self.directory / "data" / "logs").glob("*.log"))
        return "".join(f"\n--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-15:]) for log in logs)


def until(condition: Any, message: str, timeout_seconds: float = 120) -> None:
    """Poll a condition of another process, which has no event to wait for here."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.1)


@contextmanager
def running(
    directory: Path,
    *,
    workers: int = 1,
    clock: str = "wall",
    partitions: int = 4,
    with_dashboard: bool = False,
) -> Iterator[Stack]:
    """`engage up` on free ports, until the block ends."""
    ready = directory / "ready.json"
    command = [sys.executable, "-m", "streams.cli", "up", "--data-dir", str(directory / "data")]
    command += ["--kafka-port", "0", "--clickhouse-port", "0", "--clock", clock, "--workers", str(workers)]
    command += ["--dashboard-port", "0"] if with_dashboard else ["--no-dashboard"]
    command += ["--partitions", str(partitions), "--ready-file", str(ready)]
    # Nobody waits ten seconds for a change of status.
    environment = {**os.environ, "ENGAGE_SWEEP_INTERVAL_SECONDS": "1"}
    with (directory / "up.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    stack = Stack(directory, process)
    try:
        until(lambda: ready.exists() or process.poll() is not None, "engage up is not ready", START_SECONDS)
        assert process.poll() is None, (directory / "up.log").read_text() + stack.logs()
        yield stack
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
    assert status == 0, (directory / "up.log").read_text()
