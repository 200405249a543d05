"""What a worker, a collector and a lag exporter log: one format, no secrets, nobody's ids from info on."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import CHAT, WEBSITE
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.kafka_security import brokers_of
from streams.sending import BatchProducer, Record
from tests.collector.rig import KEYS, WEB, basic
from tests.e2e.secured import PASSWORD, SecuredKafka, engage, running_kafka, settings_of, tls_in_front_of
from tests.e2e.stack import until

pytestmark = pytest.mark.slow

CLICKHOUSE_SECRET = "clickhouse-secret-0d9b"
CUSTOMERS = ("customer-marker-4711", "jane.marker@example.com")
ADDRESS = "203.0.113.77"
#: Whatever could be a person: the ids, addresses and texts that the traffic below is made of.
PERSONAL = re.compile(r"marker|203\.0\.113\.")


@pytest.fixture(scope="module")
def environment(clickhouse_front: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Secured servers, everything in them made, all processes at debug level."""
    directory = tmp_path_factory.mktemp("logs")
    with ExitStack() as running:
        broker: SecuredKafka = running.enter_context(running_kafka(directory))
        front = running.enter_context(
            tls_in_front_of(int(clickhouse_front.rpartition(":")[2]), broker.certificates)
        )
        yield {
            **broker.environment,
            "ENGAGE_CLICKHOUSE_URL": f"https://{LOOPBACK}:{front}/logs",
            "ENGAGE_CLICKHOUSE_CA_FILE": str(broker.certificates.ca),
            "ENGAGE_CLICKHOUSE_PASSWORD": CLICKHOUSE_SECRET,
            "ENGAGE_DATA_DIR": str(directory / "worker"),
            "ENGAGE_READY_FILE": str(directory / "ready"),
            "ENGAGE_LOG_LEVEL": "debug",
        }


@pytest.fixture(scope="module")
def logs(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By process, all it has printed while people came by."""
    directory = tmp_path_factory.mktemp("printed")
    texts = {name: said(environment, name) for name in ("topics", "migrate")}
    (directory / "keys.toml").write_text(KEYS)
    port, lag_port = free_ports(2)
    commands = {
        "worker": ["worker"],
        "collector": ["collect", "--keys", str(directory / "keys.toml"), "--port", str(port)],
        "lag exporter": ["lag-exporter", "--port", str(lag_port)],
    }
    processes = [
        spawn([sys.executable, "-m", "streams.cli", *command], directory / name, environment)
        for name, command in commands.items()
    ]
    try:
        ready = Path(environment["ENGAGE_READY_FILE"])
        until(lambda: ready.exists() or processes[0].poll() is not None, "the worker is not ready")
        until(lambda: answers(f"http://{LOOPBACK}:{port}/readyz"), "the collector is not ready")
        people_come_by(port)
        texts["send"] = send(environment)
        texts["drain"] = said(environment, "drain", "--timeout", "60")
        until(lambda: answers(f"http://{LOOPBACK}:{lag_port}/metrics"), "the exporter is not ready")
    finally:
        terminate(processes, grace_seconds=30)
    return texts | {name: (directory / name).read_text() for name in commands}


def said(environment: Mapping[str, str], *arguments: str) -> str:
    """All that a command says, which must end well."""
    ended = engage(environment, *arguments)
    assert ended.status == 0, ended.err
    return ended.out + ended.err


def send(environment: dict[str, str]) -> str:
    """Events of known people, one of them twice and one of them misplaced; and what is no event."""

    async def produce() -> None:
        producer = BatchProducer(brokers_of(settings_of(kafka_only(environment))), retry_max_seconds=1)
        await producer.start()
        try:
            for partition in (0, 1):
                await producer.send_all(WEBSITE, partition, [Record(b"customer-marker-4711", b"{marker")])
                moved = json.dumps(event("moved-marker@example.com", "moved")).encode()
                await producer.send_all(CHAT, partition, [Record(b"moved-marker@example.com", moved)])
                nameless = json.dumps(event("customer-marker-4711", "n") | {"type": None}).encode()
                await producer.send_all(WEBSITE, partition, [Record(b"customer-marker-4711", nameless)])
        finally:
            await producer.stop()

    asyncio.run(produce())
    view = ["--property", "url=https://shop.example/?mail=jane.marker@example.com"]
    return "".join(said(environment, "send", "page_viewed", "--customer", one, *view) for one in CUSTOMERS)


def kafka_only(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith("ENGAGE_KAFKA") or name == "ENGAGE_PARTITIONS"
    }


def event(customer: str, event_id: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "type": "page_viewed",
        "occurred_at": "2026-11-22T05:00:01.123Z",
        "customer_id": customer,
        "properties": {"url": "https://shop.example/marker"},
    }


def people_come_by(port: int) -> None:
    """Requests that are right, that are refused, and that are none."""
    batch = [
        {"type": "page", "userId": CUSTOMERS[0], "properties": {"url": "https://shop.example/"}},
        {"type": "page", "anonymousId": "visitor-marker", "timestamp": "marker"},
        {"type": "track", "event": "", "userId": CUSTOMERS[1]},
    ]
    for key in (WEB, "no-such-marker-key"):
        request = urllib.request.Request(
            f"http://{LOOPBACK}:{port}/v1/batch",
            data=json.dumps({"batch": batch}).encode(),
            headers={
                "Content-Type": "application/json",
                "Origin": "https://shop.example",
                "X-Forwarded-For": ADDRESS,
                **basic(key),
            },
        )
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=30).close()
    with socket.create_connection((LOOPBACK, port), timeout=30) as garbage:
        garbage.sendall(f"jane.marker@example.com {ADDRESS}\r\n\r\n".encode())
        garbage.recv(1000)


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except OSError:
        return False
    return True


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


SERVICES = ("worker", "collector", "lag exporter")


def test_no_secret_is_printed_even_at_debug_level(logs: dict[str, str]) -> None:
    found = [
        (name, secret)
        for name, text in logs.items()
        for secret in (PASSWORD, CLICKHOUSE_SECRET, WEB)
        if secret in text
    ]
    assert found == []


@pytest.mark.parametrize("service", SERVICES)
def test_each_line_is_json_with_time_and_level(logs: dict[str, str], service: str) -> None:
    found = lines(logs[service])

    assert found
    assert [line for line in found if not {"event", "level", "timestamp"} <= line.keys()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_is_named_from_info_on(logs: dict[str, str], service: str) -> None:
    told = [line for line in lines(logs[service]) if line["level"] != "debug"]

    assert told
    assert [line for line in told if PERSONAL.search(json.dumps(line))] == []


def test_a_batch_is_one_line_at_debug_level(logs: dict[str, str]) -> None:
    flushed = [line for line in lines(logs["worker"]) if line["event"] == "flushed"]

    assert {line["level"] for line in flushed} == {"debug"}
    # Four sent here, and two that the collector has passed on as they came.
    assert sum(line["rejected"] for line in flushed) == 6
    assert sum(line["records"] for line in flushed) >= 4


def test_an_unknown_authority_of_clickhouse_is_one_line_that_names_the_setting(
    environment: dict[str, str],
) -> None:
    foreign = str(Path(environment["ENGAGE_KAFKA_SSL_CAFILE"]).with_name("foreign.pem"))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "query", "SELECT 1"],
        env={**os.environ, **environment, "ENGAGE_CLICKHOUSE_CA_FILE": foreign},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 1
    assert "unable to get local issuer certificate. ENGAGE_CLICKHOUSE_CA_FILE names whom" in done.stderr
    assert done.stderr.count("\n") == 1
