"""The embedded ClickHouse as a process: start, stop, crash, and what keeps it from starting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from streams.embedded.clickhouse import command, wait_until_ready
from streams.errors import ClickHouseUnavailable
from tests.conftest import free_port

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the front; what still runs at the end of the test is killed by its id."""
    started: list[subprocess.Popen[str]] = []

    def start_front(path: Path, port: int, *more: str) -> subprocess.Popen[str]:
        started.append(subprocess.Popen([*command(path, port), *more], stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start_front
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _client(port: int) -> Client:
    return clickhouse_connect.get_client(host="127.0.0.1", port=port, autogenerate_session_id=False)


def _wait(process: subprocess.Popen[str], port: int) -> None:
    wait_until_ready(port, timeout_seconds=60, alive=lambda: process.poll() is None)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_data_outlives_the_process_however_it_ends(
    start: Start, tmp_path: Path, how: int, status: int
) -> None:
    path = tmp_path / "it's a path with spaces"
    port = free_port()
    first = start(path, port)
    _wait(first, port)
    with _client(port) as client:
        client.command("CREATE DATABASE kept")
        client.command("CREATE TABLE kept.t (id UInt64) ENGINE = MergeTree ORDER BY id")
        client.insert("kept.t", [[number] for number in range(1000)], column_names=["id"])
    first.send_signal(how)
    _, errors = first.communicate(timeout=30)
    assert (first.returncode, errors) == (status, "")
    second = start(path, port)
    _wait(second, port)
    with _client(port) as client:
        assert client.command("SELECT count() FROM kept.t") == 1000


def test_the_directory_is_for_its_owner_only(start: Start, tmp_path: Path) -> None:
    path, port = tmp_path / "private", free_port()
    _wait(start(path, port), port)
    assert path.stat().st_mode & 0o077 == 0


def test_a_second_process_for_the_same_path_ends_with_one_line(start: Start, tmp_path: Path) -> None:
    port = free_port()
    _wait(start(tmp_path, port), port)
    second = start(tmp_path, free_port())
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 1
    assert errors == f"--path {tmp_path}: another process serves this database; stop it or choose another.\n"


def test_an_occupied_port_ends_with_one_line(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = start(tmp_path, port)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith(f"Port {port} on 127.0.0.1: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_only_loopback_is_bound(start: Start, tmp_path: Path, host: str) -> None:
    process = start(tmp_path, free_port(), "--host", host)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith(f"--host {host}: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("name", ["a file", "what?"])
def test_a_path_that_cannot_be_used_ends_with_one_line(start: Start, tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_text("in the way")
    process = start(tmp_path / name, free_port())
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith(f"--path {tmp_path / name}: ")
    assert errors.count("\n") == 1


def test_waiting_for_a_process_that_ended_does_not_wait_for_the_timeout() -> None:
    with pytest.raises(ClickHouseUnavailable, match="ended while starting"):
        wait_until_ready(free_port(), timeout_seconds=3600, alive=lambda: False)


def test_waiting_is_given_up_after_its_time() -> None:
    with pytest.raises(ClickHouseUnavailable, match="did not answer within 0 s"):
        wait_until_ready(free_port(), timeout_seconds=0)


def test_a_stop_does_not_wait_for_a_query_that_runs_for_ever(start: Start, tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port)
    _wait(process, port)
    with _leave_running(port, "SELECT sum(sipHash64(number)) FROM numbers(1e15)"):
        _await_processes(port, 1)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_a_query_ends_when_its_client_leaves(start: Start, tmp_path: Path) -> None:
    port = free_port()
    _wait(start(tmp_path, port), port)
    with _leave_running(port, "SELECT sum(sipHash64(number)) FROM numbers(1e15)"):
        _await_processes(port, 1)
    _await_processes(port, 0)


def test_a_stream_ends_when_its_client_leaves(start: Start, tmp_path: Path) -> None:
    port = free_port()
    _wait(start(tmp_path, port), port)
    with _leave_running(port, "SELECT number FROM numbers(1e15) FORMAT RowBinary") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        _await_processes(port, 1)
    _await_processes(port, 0)


def test_a_long_stream_takes_little_memory(start: Start, tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port)
    _wait(process, port)
    with (
        _client(port) as client,
        client.raw_stream("SELECT number, repeat('x', 200) FROM numbers(5000000)", fmt="RowBinary") as stream,
    ):
        total_bytes = sum(len(chunk) for chunk in iter(lambda: stream.read(1 << 20), b""))
    assert total_bytes == 5_000_000 * 210
    assert _peak_memory_mib(process.pid) < 700


def _leave_running(port: int, sql: str) -> socket.socket:
    """A connection on which `sql` was sent; closing it is how a client leaves."""
    connection = socket.create_connection(("127.0.0.1", port))
    body = sql.encode()
    connection.sendall(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    return connection


def _await_processes(port: int, count: int) -> None:
    """Until `count` queries run besides the one that asks."""
    deadline = time.monotonic() + 30
    with _client(port) as client:
        while client.command("SELECT count() FROM system.processes") != count + 1:
            assert time.monotonic() < deadline, "the number of running queries did not change"


def _peak_memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip(f"no /proc on {os.name}")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
