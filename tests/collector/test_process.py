"""The process: bombs, an orderly end, Kafka away, and what it says when it cannot start."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import psutil
import pytest

from streams.collector.requests import MAX_IN_FLIGHT
from streams.embedded import kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from tests.bench.usage import Peak
from tests.collector.rig import KEYS, SERVER, Running, basic, collector, make_topics, until_answers

pytestmark = pytest.mark.slow
MIB = 2**20


def message(**more: Any) -> dict[str, Any]:
    return {"messageId": str(uuid4()), "userId": "c-42", "event": "Signed Up", **more}


def bomb(inflated_bytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(MIB)) for _ in range(inflated_bytes // MIB)) + packer.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (bomb(1024 * MIB), "gzip"),
        (gzip.compress(bomb(1024 * MIB), 9), "gzip, gzip"),
        (bomb(10 * MIB), "gzip"),
    ],
    ids=["1 MB to 1 GB", "10 kB to 1 GB in two layers", "10 kB to 10 MB"],
)
async def test_a_gzip_bomb_gets_400_and_memory_stays_flat(
    http: aiohttp.ClientSession, running: Running, body: bytes, encoding: str
) -> None:
    before_mib = psutil.Process(running.process.pid).memory_info().rss / MIB
    with Peak(running.process.pid) as peak:
        for _ in range(3):
            headers = {"Content-Encoding": encoding, **basic(SERVER)}
            async with http.post("/v1/batch", data=body, headers=headers) as answer:
                assert answer.status == 400
                assert (await answer.json())["code"] in ("too_large", "unsupported_encoding")
    after_mib = psutil.Process(running.process.pid).memory_info().rss / MIB
    print(
        f"\n{len(body)} bytes; RSS MiB {before_mib:.0f} before, {peak.mib:.0f} at most, {after_mib:.0f} after"
    )
    assert max(peak.mib, after_mib) - before_mib < 16


async def test_sigterm_finishes_the_request_at_hand(
    kafka_broker: str, running: Running, tmp_path: Path
) -> None:
    body = json.dumps(message()).encode()
    half_sent, go_on = asyncio.Event(), asyncio.Event()

    async def in_halves() -> AsyncIterator[bytes]:
        yield body[:10]
        half_sent.set()
        await go_on.wait()
        yield body[10:]

    with collector(kafka_broker, tmp_path) as ending:
        async with aiohttp.ClientSession(ending.url, headers=basic(SERVER)) as http:
            posting = asyncio.create_task(_status(http, in_halves()))
            await half_sent.wait()
            await _until_in_flight(http, 1)
            ending.process.send_signal(signal.SIGTERM)
            await _until_refused(ending.url)
            go_on.set()
            assert await posting == 200
        assert ending.process.wait(timeout=20) == 0
        assert len(await running.produced(json.loads(body)["messageId"])) == 1


async def test_with_too_many_requests_at_hand_the_next_is_asked_to_come_again(
    http: aiohttp.ClientSession, running: Running
) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    head = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"
    half_sent = [await asyncio.open_connection(host, int(port)) for _ in range(MAX_IN_FLIGHT)]
    try:
        for _, writer in half_sent:
            writer.write(head)
        await _until_in_flight(http, MAX_IN_FLIGHT)
        async with http.post("/v1/track", json=message(), headers=basic(SERVER)) as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "1"
            assert (await answer.json())["code"] == "overloaded"
    finally:
        for _, writer in half_sent:
            writer.close()
    await _until_in_flight(http, 0)
    async with http.post("/v1/track", json=message(), headers=basic(SERVER)) as answer:
        assert answer.status == 200


async def _status(http: aiohttp.ClientSession, data: Any) -> int:
    async with http.post("/v1/track", data=data) as answer:
        return answer.status


async def _until_in_flight(http: aiohttp.ClientSession, requests: int) -> None:
    while True:
        async with http.get("/metrics") as answer:
            if f"engagement_collector_in_flight_requests {requests}.0" in await answer.text():
                return


async def _until_refused(url: str) -> None:
    """Until nobody is taken any more: a new connection is refused."""
    host, _, port = url.removeprefix("http://").partition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.05)


async def test_while_kafka_is_away_it_says_503_and_afterwards_nothing_is_missing(tmp_path: Path) -> None:
    port, controller_port = free_ports(2)
    broker = f"{LOOPBACK}:{port}"
    argv = kafka.prepare(tmp_path / "kafka", port, controller_port)
    # A collector may start before Kafka does.
    with collector(broker, tmp_path, wait_for="/livez") as running:
        until_answers(running, "/readyz", 503)
        process = spawn(argv, tmp_path / "kafka.log")
        try:
            kafka.wait_until_ready(port, timeout_seconds=60)
            make_topics(broker)
            until_answers(running, "/readyz", 200)
            async with aiohttp.ClientSession(running.url, headers=basic(SERVER)) as http:
                first, second = message(), message()
                assert await _sent(http, first) == (200, None)

                terminate([process], grace_seconds=20)
                until_answers(running, "/readyz", 503)
                status, retry_after = await _sent(http, second)
                assert status == 503
                assert int(retry_after or "") >= 1

                process = spawn(argv, tmp_path / "kafka.log")
                kafka.wait_until_ready(port, timeout_seconds=60)
                until_answers(running, "/readyz", 200)
                assert await _sent(http, second) == (200, None)
            for sent in (first, second):
                assert len(await running.produced(sent["messageId"])) >= 1
        finally:
            terminate([process], grace_seconds=20)


async def _sent(http: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[int, str | None]:
    async with http.post("/v1/track", json=body) as answer:
        return answer.status, answer.headers.get("Retry-After")


def collect(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streams.cli", "collect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_missing_file_of_keys_is_one_line_and_status_2(tmp_path: Path) -> None:
    ended = collect("--keys", str(tmp_path / "keys.toml"))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "keys.toml: No such file or directory; see deploy/collector/keys.example.toml" in ended.stderr


def test_a_port_in_use_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(KEYS)
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        ended = collect("--keys", str(keys), "--port", str(port))
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert f"Port {port} on 127.0.0.1: " in ended.stderr
    assert "choose another --port" in ended.stderr
