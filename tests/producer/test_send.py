"""`engage send` as a person types it, on a real Kafka."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from schemas.topics import CHAT, WEBSITE
from streams.embedded.ports import LOOPBACK, free_ports
from tests.producer.broker import Arrived, Broker

pytestmark = pytest.mark.slow

Read = Callable[[], list[Arrived]]
PAGE = ("page_viewed", "--customer", "c-42", "--property", "url=https://shop.example/?a=b")


def engage_send(
    bootstrap: str, *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", "send", *arguments],
        env={**os.environ, "ENGAGE_KAFKA_BOOTSTRAP": bootstrap},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_an_event_is_sent_and_found_where_it_says(broker: Broker, arrived: Read) -> None:
    ended = engage_send(
        broker.bootstrap,
        *PAGE,
        *("--anonymous", "a-1", "--session", "s-1", "--source", "shell", "--property", "depth:=3"),
        *("--event-id", "e-1", "--occurred-at", "2026-11-01T08:00:00.5Z"),
    )

    (record,) = arrived()
    where = f"{record.topic}, partition {record.partition}, offset {record.offset}"
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"sent page_viewed e-1 to {where}\n"
    assert record.body == {
        "event_id": "e-1",
        "type": "page_viewed",
        "occurred_at": "2026-11-01T08:00:00.500Z",
        "customer_id": "c-42",
        "anonymous_id": "a-1",
        "session_id": "s-1",
        "source": "shell",
        "properties": {"url": "https://shop.example/?a=b", "depth": 3},
    }


def test_the_event_may_come_as_json_and_options_win(broker: Broker, arrived: Read) -> None:
    body = {"type": "noted", "customer_id": "c-1", "channel": "chat", "properties": {"a": 1, "b": 2}}

    ended = engage_send(
        broker.bootstrap, "--json", "-", "--customer", "c-2", "--property", "b=x", stdin=json.dumps(body)
    )

    (record,) = arrived()
    assert ended.returncode == 0, ended.stderr
    assert (record.topic, record.key) == (CHAT, "c-2")
    assert record.body["properties"] == {"a": 1, "b": "x"}


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        ([], None, "an event needs a type, such as `engage send page_viewed …`"),
        (["noted"], None, "customer_id, anonymous_id: one of them is required"),
        (["Noted", "--customer", "c"], None, "type: String should match pattern '^[a-z][a-z0-9_]{0,63}$'"),
        (["page_viewed", "--customer", "c"], None, "properties.url: required, but not there"),
        ([*PAGE, "--property", "url"], None, "--property url: must be NAME=TEXT or NAME:=JSON"),
        (
            [*PAGE, "--property", "n:=x"],
            None,
            "--property n:=x: after := comes JSON, such as 4999, true or [1, 2]",
        ),
        ([*PAGE, "--channel", "telex"], None, "channel: must be one of website, chat, purchase"),
        ([*PAGE, "--occurred-at", "now"], None, "occurred_at: must be RFC 3339 text with a zone, "),
        (["--json", "-"], "[1]", "--json -: is not a JSON object"),
        (["--json", "-"], '{"type": "x", "customer_id": 1}', "customer_id: should be a valid string"),
        (["--json", "none.json"], None, "--json none.json: cannot be read (No such file or directory)"),
    ],
)
def test_bad_input_is_one_line_with_status_2_and_nothing_is_sent(
    broker: Broker, arrived: Read, arguments: list[str], stdin: str | None, says: str
) -> None:
    ended = engage_send(broker.bootstrap, *arguments, stdin=stdin)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"engage: {says}")
    assert ended.stderr.count("\n") == 1
    assert arrived() == []


def test_a_kafka_that_is_not_there_is_one_line_with_status_1() -> None:
    (port,) = free_ports(1)

    ended = engage_send(f"{LOOPBACK}:{port}", *PAGE)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"engage: Kafka at {LOOPBACK}:{port} does not serve (nobody listens there). "
        "Start it (`engage up`) or set ENGAGE_KAFKA_BOOTSTRAP.\n"
    )


def test_sent_again_with_its_id_and_time_it_is_the_same_event(broker: Broker, arrived: Read) -> None:
    again = ("--event-id", "e-2", "--occurred-at", "2026-11-01T08:00:00Z")

    for _ in range(2):
        ended = engage_send(broker.bootstrap, *PAGE, *again)
        assert re.fullmatch(rf"sent page_viewed e-2 to {WEBSITE}, partition \d, offset \d+\n", ended.stdout)

    first, second = arrived()
    assert first.body == second.body
