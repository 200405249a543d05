"""A collector as its clients see it, on a real Kafka."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from schemas.decode import decode
from schemas.rejections import Rejection
from schemas.topics import CHANNEL_OF_TOPIC, partition_of
from tests.collector.rig import LIMITED, ORIGIN, PARTITIONS, SERVER, WEB, Running, basic

pytestmark = pytest.mark.slow
SUCCESS = {"success": True}


def message(**more: Any) -> dict[str, Any]:
    return {
        "messageId": str(uuid4()),
        "userId": f"c-{uuid4()}",
        "event": "Signed Up",
        "type": "track",
        **more,
    }


async def post(
    http: aiohttp.ClientSession, path: str, body: Any, *, key: str = SERVER, **headers: str
) -> tuple[int, Any]:
    """Status and JSON of the answer; headers are given with underscores."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {name.replace("_", "-"): text for name, text in headers.items()} | (
        basic(key) if key is not None else {}
    )
    async with http.post(path, data=data, headers=sent) as answer:
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


async def test_what_was_answered_with_200_is_in_kafka_at_its_place(
    http: aiohttp.ClientSession, running: Running
) -> None:
    sent = message()

    assert await post(http, "/v1/batch", {"batch": [sent]}) == (200, SUCCESS)

    (record,) = await running.produced(sent["messageId"])
    assert record.topic == "events.website"
    assert record.key == sent["userId"].encode()
    assert record.partition == partition_of(sent["userId"], PARTITIONS)
    assert record.event["event_id"] == sent["messageId"]
    assert record.event["source"] == "shop-server"


@pytest.mark.parametrize(
    ("path", "event_type"),
    [
        ("/v1/track", "signed_up"),
        ("/v1/t", "signed_up"),
        ("/v1/page", "page_viewed"),
        ("/v1/p", "page_viewed"),
        ("/v1/screen", "screen_viewed"),
        ("/v1/s", "screen_viewed"),
        ("/v1/identify", "identify"),
        ("/v1/i", "identify"),
        ("/v1/alias", "alias"),
        ("/v1/a", "alias"),
        ("/v1/group", "group"),
        ("/v1/g", "group"),
    ],
)
async def test_every_call_has_a_route(
    http: aiohttp.ClientSession, running: Running, path: str, event_type: str
) -> None:
    sent = message(properties={"url": "https://shop.example/"}, previousId="v-1", groupId="g-1")
    assert await post(http, path, sent) == (200, SUCCESS)
    (record,) = await running.produced(sent["messageId"])
    assert record.event["type"] == event_type


async def test_each_channel_has_its_topic(http: aiohttp.ClientSession, running: Running) -> None:
    order = message(event="Order Completed", properties={"order_id": "o", "total": 5, "currency": "EUR"})
    chat = message(event="Live Chat Conversation Started", properties={"conversation_id": "v"})
    assert await post(http, "/v1/b", {"batch": [order, chat]}) == (200, SUCCESS)
    assert (await running.produced(order["messageId"]))[0].topic == "events.purchase"
    assert (await running.produced(chat["messageId"]))[0].topic == "events.chat"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "image/png"])
async def test_the_content_type_may_lie(
    http: aiohttp.ClientSession, running: Running, content_type: str
) -> None:
    sent = message()
    packed = gzip.compress(json.dumps({"batch": [sent]}).encode())
    assert await post(http, "/v1/batch", packed, content_type=content_type, content_encoding="gzip") == (
        200,
        SUCCESS,
    )
    assert len(await running.produced(sent["messageId"])) == 1


async def test_a_browser_sends_its_key_in_the_body(http: aiohttp.ClientSession, running: Running) -> None:
    sent = message(writeKey=WEB)
    assert await post(http, "/v1/t", sent, key="", content_type="text/plain", origin=ORIGIN) == (
        200,
        SUCCESS,
    )
    (record,) = await running.produced(sent["messageId"])
    assert record.event["source"] == "shop-web"
    assert WEB.encode() not in record.value


async def test_cloud_events_come_alone_and_in_batches(http: aiohttp.ClientSession, running: Running) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    one, *more = (
        {"specversion": "1.0", "id": id_, "source": "/s", "type": "com.example.signed_up", "subject": "c"}
        for id_ in ids
    )
    single, several = "application/cloudevents+json; charset=utf-8", "application/cloudevents-batch+json"
    assert await post(http, "/v1/cloudevents", one, content_type=single) == (200, SUCCESS)
    assert await post(http, "/v1/cloudevents", more, content_type=several) == (200, SUCCESS)
    for id_ in ids:
        assert [record.event["type"] for record in (await running.produced(id_))] == ["signed_up"]
    status, answer = await post(http, "/v1/cloudevents", one, content_type="application/json")
    assert (status, answer["code"]) == (400, "content_type")


async def test_a_bad_message_does_not_cost_the_good_one_and_is_not_lost(
    http: aiohttp.ClientSession, running: Running
) -> None:
    good, bad = message(), message(userId=None)

    assert await post(http, "/v1/batch", {"batch": [bad, good]}) == (200, SUCCESS)

    assert len(await running.produced(good["messageId"])) == 1
    (record,) = await running.produced(bad["messageId"])
    judged = decode(record.value, channel=CHANNEL_OF_TOPIC[record.topic], appended_at_ms=0)
    assert isinstance(judged, Rejection)  # so the worker puts it among the rejects


async def test_alone_it_is_refused_and_nothing_is_taken(
    http: aiohttp.ClientSession, running: Running
) -> None:
    bad = message(userId=None)
    status, answer = await post(http, "/v1/batch", {"batch": [bad]})
    assert status == 400
    assert answer == {
        "success": False,
        "code": "no_identity",
        "message": "message 0: userId, anonymousId: one of them is required",
    }
    assert (await running.produced(bad["messageId"])) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[]", "malformed"),
        (b"\xff", "not_json"),
        (b'{"batch":' + b"[" * 100_000, "not_json"),
        (b'{"batch": 7}', "malformed"),
        (b'{"batch": [' + b" " * 600_000 + b"]}", "too_large"),
        (b'{"batch": [{"x": "' + b"x" * 40_000 + b'"}]}', "too_large"),
    ],
    ids=["empty", "cut off", "array", "not UTF-8", "deep", "no batch", "large body", "large message"],
)
async def test_what_is_malformed_gets_400(http: aiohttp.ClientSession, body: bytes, code: str) -> None:
    status, answer = await post(http, "/v1/batch", body)
    assert (status, answer["success"], answer["code"]) == (400, False, code)
    assert answer["message"]


@pytest.mark.parametrize("key", ["", "unknown-key-1234"])
async def test_an_unknown_key_gets_401_whatever_it_sends(http: aiohttp.ClientSession, key: str) -> None:
    status, answer = await post(http, "/v1/batch", {"batch": [message()]}, key=key)
    assert (status, answer["success"]) == (401, False)


async def test_the_header_wins_over_the_body(http: aiohttp.ClientSession, running: Running) -> None:
    sent = message(writeKey=WEB)
    assert await post(http, "/v1/track", sent) == (200, SUCCESS)
    assert (await running.produced(sent["messageId"]))[0].event["source"] == "shop-server"
    status, _ = await post(http, "/v1/track", sent, key="unknown-key-1234")
    assert status == 401


async def test_another_page_cannot_use_a_key(http: aiohttp.ClientSession, running: Running) -> None:
    sent = message(writeKey=WEB)
    status, answer = await post(http, "/v1/t", sent, key="", origin="https://evil.example")
    assert (status, answer["code"]) == (403, "origin_not_allowed")
    assert await running.produced(sent["messageId"]) == []


async def test_a_preflight_allows_the_pages_of_the_keys_and_no_others(http: aiohttp.ClientSession) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with http.options("/v1/t", headers={"Origin": ORIGIN, **asks}) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
        assert {"authorization", "content-type", "x-retry-count"} <= set(allowed)
    async with http.options("/v1/t", headers={"Origin": "https://evil.example", **asks}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_may_read_errors_as_well(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/t", data=b"{", headers={"Origin": ORIGIN}) as answer:
        assert answer.status == 400
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_a_keys_limit_is_answered_with_429(http: aiohttp.ClientSession) -> None:
    assert await post(http, "/v1/batch", {"batch": [message(), message()]}, key=LIMITED) == (200, SUCCESS)
    async with http.post("/v1/t", json=message(), headers=basic(LIMITED)) as answer:
        assert answer.status == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
        assert (await answer.json())["code"] == "rate_limited"


async def test_a_retry_has_the_same_event_id_and_time(http: aiohttp.ClientSession, running: Running) -> None:
    sent = message()  # without a time of its own
    for _ in range(2):
        assert await post(http, "/v1/track", sent) == (200, SUCCESS)
    first, second = await running.produced(sent["messageId"])
    assert first.event == second.event


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/v1/shout", 404), ("GET", "/v1/track", 405)]
)
async def test_other_routes_are_told_in_json(
    http: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    async with http.request(method, path) as answer:
        assert answer.status == status
        assert (await answer.json())["success"] is False


async def test_it_tells_how_it_is(http: aiohttp.ClientSession) -> None:
    await post(http, "/v1/track", message())
    for path in ("/livez", "/readyz"):
        async with http.get(path) as answer:
            assert (answer.status, await answer.json()) == (200, SUCCESS)
    async with http.get("/version") as answer:
        assert (await answer.json())["version"]
    async with http.get("/metrics") as answer:
        text = await answer.text()
        assert 'engagement_collector_events_total{outcome="accepted",source="shop-server"}' in text
        assert 'engagement_collector_requests_total{route="/v1/track",status="200"}' in text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/t?e=ann@example.org\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/t HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
        b"POST /v1/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nann@example.org",
        b"POST /v1/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
    ids=["no HTTP", "no URL", "body cut off", "broken chunk", "chunks cut off"],
)
async def test_what_is_hardly_http_is_no_defect_and_not_logged(
    running: Running, request_bytes: bytes
) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_bytes)
    writer.write_eof()
    answer = await reader.read()  # to the end of the connection
    writer.close()
    assert b" 500 " not in answer
    log = running.log.read_text()
    assert "internal_error" not in log
    assert "ann@example.org" not in log
    assert "Error handling request" not in log


async def test_the_log_holds_neither_keys_nor_what_was_sent(
    http: aiohttp.ClientSession, running: Running
) -> None:
    secret = f"ann-{uuid4()}@example.org"
    bad = message(userId=None, properties={"email": secret})
    await post(http, "/v1/batch", {"batch": [bad, message(userId=secret)]})
    await post(http, f"/v1/{secret}", b"")
    log = running.log.read_text()
    assert "messages_set_aside" in log
    for private in (secret, WEB, SERVER, bad["messageId"]):
        assert private not in log
