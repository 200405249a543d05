"""`engage dashboard` and `engage open` as processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from clickhouse_connect.driver.client import Client

from streams.config import Settings
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from tests.ops.audited import KNOWN

pytestmark = pytest.mark.slow
TOKEN = "a-token-that-nobody-guesses"


class Process(NamedTuple):
    url: str
    process: subprocess.Popen[bytes]
    log: Path


@pytest.fixture
async def dashboard(settings: Settings, client: Client, tmp_path: Path) -> AsyncIterator[Process]:
    """One with a token from a file, which serves."""
    (port,) = free_ports(1)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    log = tmp_path / "dashboard.log"
    process = spawn(
        [sys.executable, "-m", "streams.cli", "dashboard", "--port", str(port)],
        log,
        {
            "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
            "ENGAGE_DASHBOARD_TOKEN_FILE": str(tmp_path / "token"),
            "ENGAGE_LOG_LEVEL": "debug",
        },
    )
    try:
        while not answers(port):
            assert process.poll() is None, log.read_text()
            await asyncio.sleep(0.05)
        yield Process(f"http://{LOOPBACK}:{port}", process, log)
    finally:
        terminate([process], 20)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def engage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_sigterm_ends_streams_and_the_process(dashboard: Process) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(dashboard.url, headers=headers) as http,
        http.get(f"/stream/customers/{KNOWN}") as stream,
    ):
        assert stream.status == 200
        assert await stream.content.readline()
        dashboard.process.send_signal(signal.SIGTERM)
        async for _ in stream.content:
            pass
    assert dashboard.process.wait(timeout=20) == 0


async def test_the_log_names_nobody_and_no_secret(dashboard: Process) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "agent-smith"}
    async with aiohttp.ClientSession(dashboard.url, headers=headers) as http:
        for path in (f"/api/customers/{KNOWN}", "/api/customers/secretive", "/api/customers?q=secretive"):
            async with http.get(path) as answer:
                assert answer.status in (200, 404)
        async with http.post("/csp-report", data=b"document-uri: /customers/secretive") as answer:
            assert answer.status == 204
    dashboard.process.send_signal(signal.SIGTERM)
    assert dashboard.process.wait(timeout=20) == 0
    written = dashboard.log.read_text()
    assert "dashboard_started" in written
    for private in (TOKEN, KNOWN, "secretive", "agent-smith"):
        assert private not in written


async def test_open_prints_where_it_is(dashboard: Process) -> None:
    port = dashboard.url.rpartition(":")[2]
    assert engage("open", "--port", port).stdout == f"{dashboard.url}/\n"
    assert engage("open", "a/b ü", "--port", port).stdout == f"{dashboard.url}/customers/a%2Fb%20%C3%BC\n"


def test_open_says_when_there_is_none() -> None:
    (port,) = free_ports(1)
    ended = engage("open", "--port", str(port))
    assert ended.returncode == 1
    assert ended.stderr == (
        f"engage: no dashboard at http://127.0.0.1:{port}/ (Connection refused); start `engage dashboard`\n"
    )


def test_more_than_loopback_without_a_token_is_one_line_and_status_2() -> None:
    ended = engage(
        "dashboard", "--host", "0.0.0.0", ENGAGE_DASHBOARD_TOKEN="", ENGAGE_DASHBOARD_PROXY_HEADER=""
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "--host 0.0.0.0: anybody could look at customers" in ended.stderr


def test_a_port_in_use_is_one_line_that_says_what_to_do() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        ended = engage("dashboard", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "choose another --port" in ended.stderr
