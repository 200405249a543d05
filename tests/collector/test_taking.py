"""Messages to records: what is kept, what is set aside, what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import Event, decode
from schemas.events import MAX_VALUE_BYTES
from schemas.topics import CHANNEL_OF_TOPIC
from streams.collector.answers import Refused
from streams.collector.dialects import CLOUD_EVENT, CLOUD_EVENTS, SEGMENT_BATCH, segment_call
from streams.collector.judging import Judged, refuse_if_all_malformed
from streams.collector.seen import SeenTimes
from streams.collector.segment import Sender
from streams.collector.taking import Received

NOW_MS = 1_795_348_800_000
NOW = "2026-11-22T12:00:00.000Z"
GOOD = {"type": "track", "event": "Signed Up", "messageId": "m-1", "userId": "c-42", "timestamp": NOW}
CLOUD = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "com.example.signed_up",
    "subject": "c-42",
}
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def batch(
    *messages: Any,
    seen: SeenTimes | None = None,
    now_ms: int = NOW_MS,
    sender: Sender | None = None,
    **more: Any,
) -> list[Judged]:
    body = json.dumps({"batch": messages, **more}).encode()
    envelope, raw = SEGMENT_BATCH.open(body)
    who = (sender or Sender("shop-web"))._replace(context=envelope.context)
    received = Received(raw, None, envelope.sentAt, who, 1, now_ms)
    return list(SEGMENT_BATCH.take(received, SeenTimes() if seen is None else seen))


def event(judged: Judged) -> dict[str, Any]:
    """The event in a record that the worker accepts."""
    assert judged.rejection is None
    channel = CHANNEL_OF_TOPIC[judged.record.topic]
    assert isinstance(decode(judged.record.value, channel=channel, appended_at_ms=NOW_MS), Event)
    return json.loads(judged.record.value)


def one(message: Any, **more: Any) -> dict[str, Any]:
    (judged,) = batch(message, **more)
    return event(judged)


def test_nulls_and_empty_ids_are_as_if_not_sent() -> None:
    nothing = dict.fromkeys(("anonymousId", "properties", "context", "originalTimestamp", "previousId"))
    assert one({**GOOD, **nothing}) == one({**GOOD, "anonymousId": ""}) == one(GOOD)


def test_both_ids_are_kept_and_the_customers_is_the_key() -> None:
    (judged,) = batch({**GOOD, "anonymousId": "v-1"})
    assert (event(judged)["customer_id"], event(judged)["anonymous_id"]) == ("c-42", "v-1")
    assert judged.record.key == b"c-42"
    (judged,) = batch({**GOOD, "userId": None, "anonymousId": "v-1"})
    assert judged.record.key == b"v-1"


def test_a_number_is_an_id_as_well() -> None:
    assert one({**GOOD, "userId": 42})["customer_id"] == "42"


def test_a_long_message_id_is_hashed_and_a_missing_one_made_up() -> None:
    long = "m" * 65
    assert one({**GOOD, "messageId": "m" * 64})["event_id"] == "m" * 64
    assert one({**GOOD, "messageId": long})["event_id"] == hashlib.sha256(long.encode()).hexdigest()
    first, second = (one({**GOOD, "messageId": None})["event_id"] for _ in range(2))
    assert first != second


def test_the_session_comes_from_the_context() -> None:
    assert one({**GOOD, "context": {"sessionId": 17}})["session_id"] == "17"


def test_an_address_and_what_names_a_device_are_not_kept() -> None:
    context = {
        "ip": "203.0.113.7",
        "device": {"id": "d-1", "advertisingId": "a-1", "type": "ios"},
        "traits": {"email": "ann@example.org"},
        "location": {"city": "X"},
        "locale": "de-DE",
        "campaign": {"source": "mail"},
        "page": {"url": "https://shop.example/"},
        "userAgent": FIREFOX,
    }
    assert one({**GOOD, "context": context})["properties"]["context"] == {
        "device": {"type": "ios"},
        "locale": "de-DE",
        "campaign": {"source": "mail"},
        "page": {"url": "https://shop.example/"},
        "ua_family": "Firefox",
        "is_bot": False,
    }


def test_a_bot_is_flagged_and_not_dropped() -> None:
    (judged,) = batch({**GOOD, "context": {"userAgent": GOOGLEBOT}})
    assert event(judged)["properties"]["context"] == {"ua_family": "Googlebot", "is_bot": True}
    assert judged.is_bot


def test_the_header_tells_a_browser_where_the_message_does_not() -> None:
    sender = Sender("shop-web", user_agent=FIREFOX)
    assert one(GOOD, sender=sender)["properties"]["context"]["ua_family"] == "Firefox"
    assert "context" not in one(GOOD, sender=Sender("shop", user_agent="analytics-python/2.3"))["properties"]


def test_a_batchs_context_holds_for_its_messages_and_theirs_wins() -> None:
    message = {**GOOD, "context": {"locale": "de"}}
    kept = one(message, context={"locale": "en", "timezone": "Europe/Rome"})["properties"]["context"]
    assert kept == {"locale": "de", "timezone": "Europe/Rome"}


@pytest.mark.parametrize(
    ("times", "occurred_at"),
    [
        ({"timestamp": NOW, "originalTimestamp": "2026-11-22T11:00:00Z"}, NOW),
        ({"timestamp": None, "originalTimestamp": "2026-11-22T11:00:00Z"}, "2026-11-22T11:00:00.000Z"),
        ({"timestamp": None}, NOW),
        ({"timestamp": "2026-11-22T13:00:00.5+02:00"}, "2026-11-22T11:00:00.500Z"),
    ],
)
def test_the_events_own_time_comes_first(times: dict[str, Any], occurred_at: str) -> None:
    assert one({**GOOD, **times})["occurred_at"] == occurred_at


def test_a_wrong_clock_is_corrected_once_for_all_attempts() -> None:
    seen = SeenTimes()
    message = {**GOOD, "timestamp": "2026-11-22T10:59:00Z"}  # an hour behind
    first = one(message, sentAt="2026-11-22T10:59:30Z", seen=seen)
    assert first["occurred_at"] == "2026-11-22T11:59:00.000Z"
    assert first["properties"]["sent_timestamp"] == "2026-11-22T10:59:00Z"
    second = one(message, sentAt="2026-11-22T11:58:00Z", seen=seen, now_ms=NOW_MS + 60_000)
    assert second == first


def test_a_right_clock_leaves_no_trace() -> None:
    sent = one(GOOD, sentAt="2026-11-22T11:56:00Z")
    assert sent["occurred_at"] == NOW
    assert "sent_timestamp" not in sent["properties"]


def test_a_message_without_a_time_has_the_time_of_its_first_arrival() -> None:
    seen, message = SeenTimes(), {**GOOD, "timestamp": None}
    assert one(message, seen=seen) == one(message, seen=seen, now_ms=NOW_MS + 5000)


def test_beside_a_good_message_bad_ones_are_set_aside_as_far_as_they_got() -> None:
    order = {**GOOD, "event": "Order Completed", "properties": {"order_id": "o-1", "total": 5}}
    good, nobody, no_currency, number = batch(GOOD, {**GOOD, "userId": None}, order, 7)
    event(good)
    refuse_if_all_malformed([good, nobody], SEGMENT_BATCH.names, is_batch=True)
    found = [
        (one.rejection.reason.value, one.rejection.detail)
        for one in (nobody, no_currency, number)
        if one.rejection
    ]
    assert found == [
        ("no_identity", "customer_id, anonymous_id: one of them is required"),
        ("missing_field", "properties.total_minor: required, but not there (and 1 more)"),
        ("not_json", "the message is not an object"),
    ]
    for judged in (nobody, no_currency, number):
        # The worker comes to the same reason by itself.
        channel = CHANNEL_OF_TOPIC[judged.record.topic]
        again = decode(judged.record.value, channel=channel, appended_at_ms=NOW_MS)
        assert judged.rejection is not None
        assert not isinstance(again, Event)
        assert again.reason is judged.rejection.reason


def test_the_write_keys_currency_mends_an_order_without_one() -> None:
    order = {**GOOD, "event": "Order Completed", "properties": {"order_id": "o-1", "total": 5}}
    assert one(order, sender=Sender("shop", "EUR"))["properties"]["total_minor"] == 500


def test_a_property_that_is_wrong_does_not_make_a_message_malformed() -> None:
    (judged,) = batch({**GOOD, "event": "Form Submitted"})
    assert judged.rejection is not None
    refuse_if_all_malformed([judged], SEGMENT_BATCH.names, is_batch=True)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({**GOOD, "userId": None}, "message 0: userId, anonymousId: one of them is required"),
        ({**GOOD, "event": None}, "message 0: type or event: required, but not there"),
        ({**GOOD, "type": "shout"}, "message 0: type or event: required, but not there"),
        ({**GOOD, "userId": "x" * 129}, "message 0: userId: String should have at most 128 characters"),
        ({**GOOD, "timestamp": "yesterday"}, "message 0: timestamp: must be RFC 3339"),
        ({**GOOD, "timestamp": "2026-11-24T12:00:00Z"}, "message 0: timestamp: more than 24 h ahead"),
        ({**GOOD, "properties": []}, "message 0: properties: "),
        ([], "message 0: the message is not an object"),
        ({**GOOD, "properties": {"a": "x" * MAX_VALUE_BYTES}}, "bytes, at most 32768"),
    ],
)
def test_alone_a_malformed_message_is_refused_with_its_field(message: Any, says: str) -> None:
    with pytest.raises(Refused) as refused:
        refuse_if_all_malformed(batch(message), SEGMENT_BATCH.names, is_batch=True)
    assert refused.value.status == 400
    assert says in refused.value.message


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"batch": {}}', b'{"batch": []}', b'{"batch": null}', b"\xff", b"[" * 5000],
)
def test_a_body_that_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        SEGMENT_BATCH.open(body)
    assert refused.value.status == 400


def test_more_messages_than_a_batch_may_hold_are_refused() -> None:
    with pytest.raises(Refused, match="2501 messages; a batch holds 1 to 2500"):
        batch(*([{}] * 2501))


def test_half_an_emoji_does_not_cost_the_event() -> None:
    (judged,) = batch({**GOOD, "properties": {"title": "cut \ud83d", "whole": "😀"}})
    assert event(judged)["properties"] == {"title": "cut \ufffd", "whole": "😀"}


def test_the_text_of_a_message_is_not_sent_to_kafka_even_if_it_is_set_aside() -> None:
    message = {**GOOD, "event": "Live Chat Message Sent", "properties": {"text": "psst", "body": "psst"}}
    (judged,) = batch(message)
    assert judged.rejection is not None  # no conversation
    assert b"psst" not in judged.record.value
    assert json.loads(judged.record.value)["properties"] == {"author": "customer", "text_length": 4}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "Product Viewed",
        "Order Completed",
        "Order Refunded",
        "Live Chat Message Sent",
        "Survey Answered",
        "alias",
        "x",
    ]
)
PROPERTY_NAMES = (
    *("product_id", "sku", "price", "currency", "quantity", "products", "items", "order_id", "total", "name"),
    *("conversation_id", "author", "text", "survey", "score", "context", "url", "traits"),
)
PROPERTIES = st.fixed_dictionaries({}, optional=dict.fromkeys(PROPERTY_NAMES, JSON))
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["track", "page", "screen", "identify", "alias", "group"]) | JSON,
        "event": NAMES | JSON,
        "properties": PROPERTIES | JSON,
        "context": st.dictionaries(
            st.sampled_from(["page", "device", "userAgent", "sessionId", "traits", "ip", "x"]), JSON
        )
        | JSON,
        **dict.fromkeys(("messageId", "userId", "anonymousId", "previousId", "groupId", "traits"), JSON),
        **dict.fromkeys(("timestamp", "originalTimestamp", "sentAt"), st.datetimes().map(str) | JSON),
    },
)


@given(st.lists(MESSAGES | JSON, min_size=1, max_size=3), JSON)
def test_nothing_that_is_json_breaks_it_and_what_is_accepted_the_worker_accepts(
    messages: list[Any], context: Any
) -> None:
    for judged in batch(*messages, context=context):
        if judged.rejection is None:
            event(judged)
        else:
            channel = CHANNEL_OF_TOPIC[judged.record.topic]
            again = decode(judged.record.value, channel=channel, appended_at_ms=NOW_MS)
            assert not isinstance(again, Event)


def cloud(*events: Any) -> list[Judged]:
    envelope, raw = CLOUD_EVENTS.open(json.dumps(events).encode())
    received = Received(raw, None, envelope.sentAt, Sender("not used", "EUR"), 1, NOW_MS)
    return list(CLOUD_EVENTS.take(received, SeenTimes()))


def test_a_cloud_event_becomes_the_same_event() -> None:
    more = {"time": NOW, "anonymousid": "v-1", "sessionid": "s-1", "dataschema": None}
    data = {"product_id": 7, "price": 5}
    (judged,) = cloud({**CLOUD, **more, "type": "com.example.ProductViewed.v1", "data": data})
    assert event(judged) == {
        "event_id": "e-1",
        "type": "product_viewed",
        "customer_id": "c-42",
        "anonymous_id": "v-1",
        "session_id": "s-1",
        "source": "/shop",
        "occurred_at": NOW,
        "properties": {"product_id": "7", "price": 5, "currency": "EUR", "price_minor": 500},
    }


def test_a_single_cloud_event_is_read_like_one_of_a_batch() -> None:
    envelope, raw = CLOUD_EVENT.open(json.dumps(CLOUD).encode())
    received = Received(raw, None, envelope.sentAt, Sender("not used"), 1, NOW_MS)
    (single,) = CLOUD_EVENT.take(received, SeenTimes())
    assert event(single) == event(cloud(CLOUD)[0])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": None}, "id: required"),
        ({"id": 7}, "id: not valid"),
        ({"specversion": "0.3"}, "specversion: not valid"),
        ({"subject": None}, "subject, anonymousid: one of them is required"),
        ({"time": "yesterday"}, "time, data_base64: not valid"),
        ({"Upper": "x"}, "Upper: not valid"),
        ({"data_base64": "A"}, "time, data_base64: not valid"),
        ({"data_base64": "AAAA"}, "data: "),
        ({"data": "text"}, "data: "),
    ],
)
def test_a_cloud_event_that_is_none_is_refused_with_its_attribute(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        refuse_if_all_malformed(cloud({**CLOUD, **changes}), CLOUD_EVENTS.names, is_batch=True)
    assert says in refused.value.message


@given(st.dictionaries(st.sampled_from([*CLOUD, "time", "data", "data_base64", "anonymousid", "x"]), JSON))
def test_nothing_that_is_json_breaks_cloud_events(changes: dict[str, Any]) -> None:
    for judged in cloud({**CLOUD, **changes}):
        if judged.rejection is None:
            event(judged)


def test_a_call_says_its_kind_by_its_route() -> None:
    dialect = segment_call("screen")
    envelope, raw = dialect.open(msgspec.json.encode({**GOOD, "name": "Cart", "writeKey": "k"}))
    assert envelope.writeKey == "k"
    (judged,) = dialect.take(Received(raw, dialect.kind, None, Sender("app"), 1, NOW_MS), SeenTimes())
    assert event(judged)["type"] == "screen_viewed"
