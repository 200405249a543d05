"""What becomes of a valid record, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.decode import MAX_DEPTH, TEXT_KEYS, Event, decode
from schemas.events import MAX_VALUE_BYTES, MODEL_OF_TYPE, EngagementEvent
from schemas.examples import EXAMPLE_OF

APPENDED_AT_MS = 1_795_323_605_000
PAGE: dict[str, Any] = {
    "event_id": "e-1",
    "type": "page_viewed",
    "occurred_at": "2026-11-22T05:00:01.123Z",
    "customer_id": "c-42",
    "properties": {"url": "https://shop.example/"},
}
MESSAGE = {**PAGE, "type": "message_sent", "properties": {"conversation_id": "v-3", "author": "customer"}}


def accepted(body: dict[str, Any] | bytes, channel: str = "website") -> Event:
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    event = decode(value, channel=channel, appended_at_ms=APPENDED_AT_MS)
    assert isinstance(event, Event), event
    return event


def with_properties(**properties: Any) -> dict[str, Any]:
    return {**PAGE, "properties": {**PAGE["properties"], **properties}}


@pytest.mark.parametrize("model", EXAMPLE_OF, ids=lambda model: model.__name__)
def test_the_example_of_every_type_is_accepted_as_sent(model: type[EngagementEvent]) -> None:
    example = EXAMPLE_OF[model]
    event = accepted(example)
    assert (event.type, event.properties) == (example["type"], example["properties"])
    assert json.loads(event.properties_json) == example["properties"]


def test_there_is_an_example_of_every_type() -> None:
    assert set(MODEL_OF_TYPE.values()) < set(EXAMPLE_OF)
    assert len(MODEL_OF_TYPE) == 15


def test_a_known_customer_is_stored_and_keyed_by_the_customer_id() -> None:
    event = accepted({**PAGE, "anonymous_id": "a-1", "session_id": "s-1", "source": "shop-web"}, "purchase")
    assert event == Event(
        event_id="e-1",
        customer="c-42",
        is_anonymous=False,
        key="c-42",
        channel="purchase",
        type="page_viewed",
        occurred_at_ms=1_795_323_601_123,
        anonymous_id="a-1",
        session_id="s-1",
        source="shop-web",
        properties_json='{"url":"https://shop.example/"}',
        extra_json="",
        is_engagement=True,
        order_id="",
        claims="",
    )


def test_an_anonymous_visitor_is_stored_with_a_prefix_and_keyed_without() -> None:
    event = accepted({**PAGE, "customer_id": None, "anonymous_id": "a-1"})
    assert (event.customer, event.key, event.anonymous_id, event.is_anonymous) == (
        "anon:a-1",
        "a-1",
        "a-1",
        True,
    )


def test_absent_and_null_optional_fields_say_the_same() -> None:
    nulls = {"anonymous_id": None, "session_id": None, "source": None}
    assert accepted({**PAGE, **nulls}) == accepted(PAGE)


@pytest.mark.parametrize("properties", [{}, {"properties": None}, {"properties": {}}])
def test_absent_null_and_empty_properties_say_the_same_where_none_is_required(properties: Any) -> None:
    body = {key: value for key, value in PAGE.items() if key != "properties"} | {"type": "identify"}
    event = accepted(body | properties)
    assert (event.properties, event.properties_json) == ({}, "{}")


@pytest.mark.parametrize(
    "odd_id", ["a\x00b", 'it\'s "quoted"', "😀" * 128, "x" * 128, "null", " ", "\\", "c-42\n", "日本"]
)
def test_an_id_may_hold_any_1_to_128_characters(odd_id: str) -> None:
    assert accepted({**PAGE, "customer_id": odd_id}).customer == odd_id
    assert accepted({**PAGE, "customer_id": None, "anonymous_id": odd_id}).key == odd_id


def test_an_anonymous_id_may_begin_with_the_reserved_prefix() -> None:
    assert accepted({**PAGE, "customer_id": None, "anonymous_id": "anon:1"}).customer == "anon:anon:1"


def test_an_event_id_may_hold_64_emoji() -> None:
    assert accepted({**PAGE, "event_id": "😀" * 64}).event_id == "😀" * 64


def test_further_keys_are_kept_at_the_top_and_in_properties() -> None:
    event = accepted({**with_properties(ab_test={"arm": 1.5}), "app": "2.1", "tags": [None, True]})
    assert json.loads(event.extra_json) == {"app": "2.1", "tags": [None, True]}
    assert event.properties["ab_test"] == {"arm": 1.5}


def test_an_unknown_type_has_free_properties() -> None:
    event = accepted({**PAGE, "type": "z9_" + "x" * 61, "properties": {"url": 5, "deep": [{"a": []}]}})
    assert event.properties == {"url": 5, "deep": [{"a": []}]}
    assert event.is_engagement


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 2**53, 0])
def test_every_64_bit_integer_is_kept_exactly(number: int) -> None:
    event = accepted(with_properties(n=number) | {"n": [number]})
    assert json.loads(event.properties_json)["n"] == number
    assert json.loads(event.extra_json) == {"n": [number]}


def test_of_a_key_sent_twice_the_last_value_wins() -> None:
    value = json.dumps(PAGE).encode()[:-1] + b', "event_id": "e-2", "properties": {"url": "u", "url": "v"}}'
    event = accepted(value)
    assert (event.event_id, event.properties_json) == ("e-2", '{"url":"v"}')


def test_a_value_of_exactly_32_kib_is_accepted() -> None:
    room = MAX_VALUE_BYTES - len(json.dumps(with_properties(fill="")).encode())
    assert len(accepted(with_properties(fill="x" * room)).properties["fill"]) == room


def test_values_may_be_nested_as_deep_as_documented() -> None:
    nested: Any = 0
    for _ in range(MAX_DEPTH - 1):  # the properties are a level
        nested = [nested]
    assert json.loads(accepted(with_properties(nested=nested)).properties_json)["nested"] == nested


def test_brackets_inside_a_text_are_not_nesting() -> None:
    assert accepted(with_properties(title="[{" * 1000)).properties["title"] == "[{" * 1000


@pytest.mark.parametrize("event_type", ["identify", "conversation_ended", "alias"])
def test_bookkeeping_events_are_no_engagement(event_type: str) -> None:
    assert not accepted(EXAMPLE_OF[MODEL_OF_TYPE[event_type]]).is_engagement


@pytest.mark.parametrize(("author", "expected"), [("customer", True), ("agent", False), ("bot", False)])
def test_a_message_is_engagement_only_when_the_customer_wrote_it(author: str, expected: bool) -> None:
    body = {**MESSAGE, "properties": {"conversation_id": "v-3", "author": author}}
    assert accepted(body).is_engagement is expected


@pytest.mark.parametrize("key", TEXT_KEYS)
def test_the_text_of_a_message_becomes_its_length(key: str) -> None:
    body = {**MESSAGE, "properties": {**MESSAGE["properties"], key: "héllo 😀"}, key: "héllo 😀"}
    event = accepted(body)
    assert event.properties == {"conversation_id": "v-3", "author": "customer", "text_length": 7}
    assert (json.loads(event.properties_json), event.extra_json) == (event.properties, "")


def test_a_length_that_was_sent_is_not_computed_anew() -> None:
    body = {**MESSAGE, "properties": {**MESSAGE["properties"], "text": "hidden", "text_length": 99}}
    assert accepted(body).properties["text_length"] == 99


def test_other_types_may_have_a_property_called_text() -> None:
    assert accepted({**with_properties(text="kept"), "body": "kept"}).properties["text"] == "kept"
