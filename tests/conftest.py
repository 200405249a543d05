"""Fixtures that need a server, started once per test run."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.clickhouse import command, wait_until_ready

pytest_plugins = ["tests.kafka_fixture", "tests.bi.matrix"]

# What a shell starts in the background ignores SIGINT, below nohup SIGHUP too, and so do children, to whom
# tests send both. A handler that does nothing shields this process as well, and children do not inherit it.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def clickhouse_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL, `http://127.0.0.1:PORT`, of an embedded ClickHouse that lives as long as the test run."""
    path: Path = tmp_path_factory.mktemp("clickhouse")
    port = free_port()
    process = subprocess.Popen(command(path, port))
    try:
        wait_until_ready(port, timeout_seconds=60, alive=lambda: process.poll() is None)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
