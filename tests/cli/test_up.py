"""`engage up` with a real Kafka and a real ClickHouse engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import WEBSITE
from streams.clickhouse import connect
from streams.config import Settings, load_settings
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of

ENGAGE_UP = [sys.executable, "-m", "streams.cli", "up"]
ANY_PORTS = ["--kafka-port", "0", "--clickhouse-port", "0", "--dashboard-port", "0"]


class Up:
    """A running `engage up`; its lines are read as they come, so that waiting needs no sleep."""

    def __init__(self, process: subprocess.Popen[str], data_dir: Path, ready_file: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self.ready_file = ready_file

    def wait_for(self, text: str) -> str:
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            if text in line:
                return line
        pytest.fail(f"`engage up` ended without saying {text!r}:\n{''.join(seen)}")

    @property
    def ready(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.ready_file.read_text())
        return loaded

    @property
    def settings(self) -> Settings:
        return load_settings(kafka_bootstrap=self.ready["kafka"], clickhouse_url=self.ready["clickhouse"])


@contextmanager
def engage_up(directory: Path, *options: str) -> Iterator[Up]:
    data_dir, ready_file = directory / "a data dir", directory / "run" / "ready.json"
    command = [*ENGAGE_UP, *ANY_PORTS, "--data-dir", str(data_dir), "--ready-file", str(ready_file), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            up = Up(process, data_dir, ready_file)
            up.wait_for("Ctrl-C stops everything")
            yield up
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with engage_up(
        tmp_path_factory.mktemp("up"), "--workers", "1", "--partitions", "2", "--clock", "event"
    ) as up:
        yield up


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def fail_to_start(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ENGAGE_UP, *options], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


def test_the_ready_file_names_the_addresses_and_the_processes_that_do_the_work(up: Up) -> None:
    assert up.ready["kafka"].startswith("127.0.0.1:")
    assert up.ready["clickhouse"].startswith("http://127.0.0.1:")
    assert up.ready["clickhouse"].endswith("/engagement")
    assert up.ready["data_dir"] == str(up.data_dir)
    assert list(up.ready["pids"]) == ["kafka", "clickhouse", "worker-0", "dashboard"]
    programs = {name: Path(f"/proc/{pid}/exe").resolve().name for name, pid in up.ready["pids"].items()}
    assert programs["kafka"] == "java"
    assert programs["clickhouse"] == programs["worker-0"] == Path(sys.executable).resolve().name


def test_the_live_page_is_where_the_ready_file_says(up: Up) -> None:
    with urllib.request.urlopen(f"{up.ready['dashboard']}api/overview") as answer:
        assert json.load(answer)["live_visitors"] == 0


def test_topics_and_tables_are_there_with_the_options_of_the_command(up: Up) -> None:
    with kafka_admin(brokers_of(up.settings), timeout_seconds=10) as admin:
        (topic,) = admin.describe_topics([WEBSITE])
    assert len(topic["partitions"]) == 2

    client = connect(up.settings)
    clock = client.query("SELECT value FROM settings FINAL WHERE key = 'clock'").result_rows
    client.close()
    assert clock == [("event",)]


def test_a_killed_kafka_is_started_again_and_published(up: Up) -> None:
    before = up.ready
    os.kill(before["pids"]["kafka"], signal.SIGKILL)

    assert "SIGKILL" in up.wait_for("kafka (pid")
    up.wait_for("kafka serves again")

    assert up.ready["pids"]["kafka"] != before["pids"]["kafka"]
    assert is_running(up.ready["pids"]["kafka"])
    assert up.ready["kafka"] == before["kafka"]
    with kafka_admin(brokers_of(up.settings), timeout_seconds=10) as admin:
        assert WEBSITE in admin.list_topics()


def test_a_second_one_on_the_same_data_is_refused_in_one_line(up: Up) -> None:
    second = fail_to_start("--data-dir", str(up.data_dir))

    assert second.returncode == 1
    assert f"in use by another `engage up` (pid {up.process.pid})" in second.stderr
    assert second.stderr.count("\n") == 1


def test_ctrl_c_stops_every_process_and_removes_the_ready_file(tmp_path: Path) -> None:
    with engage_up(tmp_path, "--workers", "0") as up:
        pids = up.ready["pids"]
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(timeout=60) == 0

    assert [name for name, pid in pids.items() if is_running(pid)] == []
    assert not up.ready_file.exists()


def test_an_occupied_port_is_one_line_with_the_option_that_mends_it(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        result = fail_to_start("--data-dir", str(tmp_path), "--kafka-port", str(port))

    assert result.returncode == 1
    assert result.stderr.startswith(f"engage: port {port} on 127.0.0.1 cannot be used")
    assert "--kafka-port" in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_java_it_says_so_in_one_line_and_names_docker(tmp_path: Path) -> None:
    result = fail_to_start(*ANY_PORTS, "--data-dir", str(tmp_path), PATH=str(tmp_path), JAVA_HOME="")

    assert result.returncode == 1
    assert "Java 17" in result.stderr
    assert "docker compose up" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_data_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = fail_to_start("--data-dir", str(tmp_path / "file" / "data"))

    assert result.returncode == 1
    assert "--data-dir DIR" in result.stderr
    assert result.stderr.count("\n") == 1
