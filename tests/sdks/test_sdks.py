"""The public SDKs, unchanged: each field that was sent is in ClickHouse, once, also when Kafka was away.

Every SDK sends one visitor's journey in good times, one while Kafka is stopped for ten seconds, and one
afterwards.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from schemas.fields import epoch_ms
from tests.faults.rig import Rig
from tests.faults.workers import wait_until
from tests.sdks.collector import Collector
from tests.sdks.journey import TEXT, Call, customer_of, journey
from tests.sdks.sender import BROWSER, SDKS, Sdk, Sender, missing

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_AWAY_SECONDS = 10
_ARRIVE_SECONDS = 120
_WHEN = ("before", "meanwhile", "after")


@pytest.fixture(scope="module")
def senders(
    rig: Rig, collector: Collector, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Sender]]:
    """All SDKs that this machine can run, after the story in this file's first lines."""
    usable = [sdk for sdk in SDKS if not missing(sdk)]
    if any(sdk.needs != "python" for sdk in usable):
        request.getfixturevalue("node_modules")
    directory = tmp_path_factory.mktemp("senders")
    with ExitStack() as running:
        started = [
            running.enter_context(sending(sdk, collector, collector.page_port, directory)) for sdk in usable
        ]
        tell_the_story(rig, started)
        yield {sender.sdk.name: sender for sender in started}


@contextmanager
def sending(sdk: Sdk, collector: Collector, page_port: int, directory: Path) -> Iterator[Sender]:
    sender = Sender(sdk, collector.url, collector.write_key, page_port, directory)
    try:
        yield sender
    finally:
        sender.stop()


def tell_the_story(rig: Rig, senders: list[Sender]) -> None:
    before, meanwhile, after = ([journey(visitor(sender.sdk, when)) for sender in senders] for when in _WHEN)
    send(senders, before)
    wait_until_arrived(rig, senders)
    rig.kill_kafka()
    send(senders, meanwhile)
    time.sleep(_AWAY_SECONDS)
    rig.start_kafka()
    send(senders, after)
    wait_until_arrived(rig, senders)
    for sender in senders:
        sender.finish()
    rig.drain()


def visitor(sdk: Sdk, when: str) -> str:
    return f"{sdk.name}-{when}"


def send(senders: list[Sender], journeys: list[list[Call]]) -> None:
    for sender, calls in zip(senders, journeys, strict=True):
        sender.send(calls)


def wait_until_arrived(rig: Rig, senders: list[Sender]) -> None:
    try:
        wait_until(lambda: not any(on_the_way(rig, sender) for sender in senders), "", _ARRIVE_SECONDS)
    except AssertionError:
        left = {sender.sdk.name: on_the_way(rig, sender) for sender in senders}
        logs = "\n".join([*(sender.log() for sender in senders), f"the worker:\n{rig.log()}"])
        raise AssertionError(f"calls that have not arrived: {left}\n{logs}") from None


def on_the_way(rig: Rig, sender: Sender) -> list[str]:
    """The calls that ClickHouse has no event of yet."""
    assert sender.is_alive(), sender.log()
    ids = dict(sender.ids)
    rows = rig.rows(
        "SELECT DISTINCT event_id FROM events WHERE event_id IN {ids:Array(String)}", ids=list(ids.values())
    )
    arrived = {event_id for (event_id,) in rows}
    return [
        f"{number} {call.type} {ids.get(number)}"
        for number, call in enumerate(sender.calls)
        if ids.get(number) not in arrived
    ]


@pytest.fixture(params=SDKS, ids=lambda sdk: sdk.name)
def sender(request: pytest.FixtureRequest, senders: dict[str, Sender]) -> Sender:
    sdk: Sdk = request.param
    if missing(sdk):
        pytest.skip(missing(sdk))
    return senders[sdk.name]


COLUMNS = {
    "type": "type",
    "customer_id": "customer_id",
    "anonymous_id": "anonymous_id",
    "session_id": "session_id",
    "source": "source",
    "source_topic": "source_topic",
    "occurred_at_ms": "toUnixTimestamp64Milli(occurred_at)",
    "properties": "properties",
}


def test_every_field_that_was_sent_is_found_under_its_message_id(
    rig: Rig, collector: Collector, sender: Sender
) -> None:
    rows = rig.rows(
        f"SELECT event_id, {', '.join(COLUMNS.values())} FROM events FINAL "
        "WHERE event_id IN {ids:Array(String)}",
        ids=list(sender.ids.values()),
    )

    found = {event_id: dict(zip(COLUMNS, row, strict=True)) for event_id, *row in rows}
    assert len(sender.calls) == len(sender.ids) == 3 * len(journey("anyone"))
    for number, call in enumerate(sender.calls):
        stored = found[sender.ids[number]]
        properties = json.loads(stored.pop("properties"))
        assert stored.pop("customer_id") in customers(call, sender.sdk)
        assert stored == expected(call, sender.sdk, collector.source)
        assert {name: properties.get(name) for name in call.properties} == call.properties
        assert properties["context"]["library"]["name"] == sender.sdk.library


def expected(call: Call, sdk: Sdk, source: str) -> dict[str, Any]:
    message = call.message
    anonymous = message.get("anonymousId", "")
    if sdk is BROWSER and call.type == "alias":
        anonymous = message["userId"].replace("-customer", "-anonymous")  # the browser sends it always
    return {
        "type": call.type,
        "anonymous_id": anonymous,
        "session_id": message["context"]["sessionId"],
        "source": source,
        "source_topic": call.topic,
        "occurred_at_ms": epoch_ms(message["timestamp"]),
    }


def customers(call: Call, sdk: Sdk) -> set[str]:
    """Whose event it may be."""
    if "userId" in call.message:
        return {call.message["userId"]}
    anonymous = call.message["anonymousId"]
    # The browser's SDK asks who the visitor is when it sends: a retry after `identify` knows the customer.
    if sdk is BROWSER and "meanwhile" in anonymous:
        return {f"anon:{anonymous}", anonymous.replace("-anonymous", "-customer")}
    return {f"anon:{anonymous}"}


def test_each_call_is_one_event_and_counted_once(rig: Rig, sender: Sender) -> None:
    visitors = [visitor(sender.sdk, when) for when in _WHEN]
    ids = [f"{prefix}{name}{suffix}" for name in visitors for prefix, suffix in _KEYS]

    facts = rig.rows(
        "SELECT event_id, count() FROM events FINAL "
        "WHERE customer_id IN {ids:Array(String)} GROUP BY event_id",
        ids=ids,
    )
    counted = rig.rows(
        "SELECT sum(events_total) FROM v_customer_360 WHERE customer_id IN {ids:Array(String)}", ids=ids
    )

    assert dict(facts) == dict.fromkeys(sender.ids.values(), 1)
    assert counted == [(len(sender.calls),)]


_KEYS = (("", "-customer"), ("anon:", "-anonymous"), ("", "-anonymous"), ("", "-old"))


def test_the_money_of_each_order_is_counted_once(rig: Rig, sender: Sender) -> None:
    customers = [customer_of(visitor(sender.sdk, when)) for when in _WHEN]

    orders = rig.rows(
        "SELECT customer_id, total_minor, refunded_minor, net_minor FROM v_orders "
        "WHERE customer_id IN {ids:Array(String)} ORDER BY customer_id",
        ids=customers,
    )

    assert orders == [(customer, 9998, 4999, 4999) for customer in sorted(customers)]


def test_the_sdks_were_refused_meanwhile_and_tried_again(
    collector: Collector, senders: dict[str, Sender]
) -> None:
    assert collector.answers(503) >= len(senders)
    assert collector.answers(400) == 0


def test_no_chat_text_is_stored_and_nothing_was_rejected(rig: Rig, senders: dict[str, Sender]) -> None:
    assert senders
    assert rig.rows(
        "SELECT count() FROM events WHERE position(properties, {text:String}) > 0", text=TEXT
    ) == [(0,)]
    assert rig.rows("SELECT reason, detail FROM v_rejected_events") == []


def test_a_page_that_the_key_does_not_list_can_send_nothing(
    rig: Rig, collector: Collector, senders: dict[str, Sender], tmp_path: Path
) -> None:
    """The control for the browser above: the same page from another origin is stopped by CORS."""
    if missing(BROWSER):
        pytest.skip(missing(BROWSER))
    assert senders[BROWSER.name].ids
    calls = journey("stranger")
    with sending(BROWSER, collector, collector.stranger_port, tmp_path) as stranger:
        stranger.send(calls)
        assert stranger.blocked.wait(timeout=60), stranger.log()
        wait_until(lambda: len(stranger.ids) == len(calls), "the SDK has not tried every call")
    rig.drain()

    assert rig.rows("SELECT count() FROM events WHERE startsWith(session_id, 'stranger')") == [(0,)]
    assert not senders[BROWSER.name].blocked.is_set()
