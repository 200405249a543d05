"""What a producer makes of an event, and what it refuses, without a server."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import DefaultPartitioner, murmur2

from schemas.decode import Event, decode
from schemas.events import MAX_VALUE_BYTES, EngagementEvent, OrderCompleted, PageViewed
from schemas.examples import EXAMPLE_OF
from schemas.topics import partition_of
from streams.producer import InvalidEvent, new_event
from streams.producer.events import to_event, to_record

NOW = datetime(2026, 11, 22, 5, 0, 1, 123_000, tzinfo=timezone.utc)
PAGE = {"url": "https://shop.example/"}


@pytest.mark.parametrize("example", EXAMPLE_OF.values(), ids=lambda example: example["type"])
def test_an_event_travels_exactly_as_given(example: dict[str, Any]) -> None:
    record = to_record(to_event(example))

    assert json.loads(record.value) == example
    assert record.key == b"c-42"


def test_what_was_left_out_stays_out() -> None:
    event = PageViewed(event_id="e-1", occurred_at=NOW, anonymous_id="a-1", properties=PAGE)

    assert json.loads(to_record(event).value) == {
        "event_id": "e-1",
        "type": "page_viewed",
        "occurred_at": "2026-11-22T05:00:01.123Z",
        "anonymous_id": "a-1",
        "properties": PAGE,
    }


def test_a_new_event_has_an_id_and_a_time_of_its_own() -> None:
    first, second = (new_event("page_viewed", customer_id="c", properties=PAGE) for _ in range(2))

    assert uuid.UUID(first.event_id) != uuid.UUID(second.event_id)
    assert abs(datetime.now(timezone.utc) - first.occurred_at) < timedelta(minutes=5)


def test_the_same_event_twice_is_the_same_record() -> None:
    event = new_event("page_viewed", customer_id="c", properties=PAGE)

    assert to_record(event) == to_record(event)


def test_a_type_of_its_own_has_free_properties() -> None:
    event = new_event("video_watched", customer_id="c", properties={"level": 3, "tags": ["a"]}, shelf="top")

    body = json.loads(to_record(event).value)
    assert (body["properties"], body["shelf"]) == ({"level": 3, "tags": ["a"]}, "top")


@pytest.mark.parametrize(
    ("event_type", "channel"),
    [
        ("order_completed", "purchase"),
        ("order_refunded", "purchase"),
        ("conversation_started", "chat"),
        ("message_sent", "chat"),
        ("page_viewed", "website"),
        ("survey_answered", "website"),
        ("video_watched", "website"),
    ],
)
def test_the_channel_follows_from_the_type(event_type: str, channel: str) -> None:
    example = next((e for e in EXAMPLE_OF.values() if e["type"] == event_type), {})

    assert to_record(to_event(example)).channel == channel


def test_another_channel_may_be_named() -> None:
    event = new_event("survey_answered", customer_id="c", properties={"survey": "nps", "score": 9})

    assert to_record(event, "chat").channel == "chat"
    with pytest.raises(InvalidEvent, match=r"^channel: must be one of website, chat, purchase$"):
        to_record(event, "telex")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": (
        {"type": "page_viewed", "properties": PAGE},
        "customer_id, anonymous_id: one of them is required",
    ),
    "empty id": (
        {"type": "page_viewed", "customer_id": "", "properties": PAGE},
        "customer_id, anonymous_id: one of them is required",
    ),
    "long id": (
        {"type": "x", "customer_id": "c" * 129},
        "customer_id: String should have at most 128 characters",
    ),
    "reserved id": (
        {"type": "x", "customer_id": "anon:a"},
        "customer_id: must not begin with anon:, which marks stored anonymous ids",
    ),
    "no url": (
        {"type": "page_viewed", "customer_id": "c", "properties": {}},
        "properties.url: required, but not there",
    ),
    "no properties": ({"type": "page_viewed", "customer_id": "c"}, "properties.url: required, but not there"),
    "a number as text": (
        {
            "type": "order_completed",
            "customer_id": "c",
            "properties": {"order_id": "o", "total_minor": "12", "currency": "EUR"},
        },
        "properties.total_minor: should be a valid integer",
    ),
    "a type with capitals": ({"type": "PageViewed", "customer_id": "c"}, "type: String should match pattern"),
    "a naive time": (
        {"type": "x", "customer_id": "c", "occurred_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        "occurred_at: must be RFC 3339",
    ),
    "no id": (
        {"type": "x", "customer_id": "c", "event_id": ""},
        "event_id: String should have at least 1 character",
    ),
}


@pytest.mark.parametrize(("given_event", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_event_is_refused_in_one_line_that_names_the_field(
    given_event: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        new_event(**given_event)

    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "too large": ({"note": "ä" * MAX_VALUE_BYTES}, "bytes, at most 32768"),
    "an integer of 65 bits": ({"n": 2**64}, "properties.n: an integer must fit 64 bits"),
    "not a number": ({"n": float("nan")}, "properties.n: JSON cannot express it"),
    "half a character": ({"n": "\ud83d"}, "properties.n: JSON cannot express it"),
    "an object": ({"n": object()}, "properties.n: JSON cannot express it"),
}


@pytest.mark.parametrize(("properties", "says"), UNFIT.values(), ids=UNFIT.keys())
def test_what_the_worker_would_reject_is_not_sent(properties: dict[str, Any], says: str) -> None:
    event = new_event("noted", customer_id="c", properties=properties)

    with pytest.raises(InvalidEvent, match=says):
        to_record(event)


def test_a_time_of_the_day_after_tomorrow_is_refused() -> None:
    event = new_event("noted", customer_id="c", occurred_at=datetime.now(timezone.utc) + timedelta(days=2))

    with pytest.raises(InvalidEvent, match=r"^occurred_at: more than 24 h ahead"):
        to_record(event)


def test_a_model_that_was_not_validated_is_judged_all_the_same() -> None:
    order = {"order_id": "o", "total_minor": 1, "currency": "EUR"}
    valid = OrderCompleted(event_id="e", occurred_at=NOW, customer_id="c", properties=order)

    with pytest.raises(InvalidEvent, match=r"^customer_id: "):
        to_record(valid.model_copy(update={"customer_id": "c" * 129}))


IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)


@given(customer=IDS.filter(lambda text: not text.startswith("anon:")), partitions=st.integers(1, 64))
def test_kafkas_client_and_the_contract_agree_on_the_partition(customer: str, partitions: int) -> None:
    event = new_event("noted", customer_id=customer)

    record = to_record(event)

    assert record.key == customer.encode()
    assert (murmur2(record.key) & 0x7FFFFFFF) % partitions == partition_of(customer, partitions)


@given(anonymous=IDS, properties=st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=3))
def test_what_is_accepted_the_worker_accepts(anonymous: str, properties: dict[str, int]) -> None:
    event = new_event("noted", anonymous_id=anonymous, properties=properties)

    value = to_record(event).value

    decoded = decode(value, channel="website", appended_at_ms=int(event.occurred_at.timestamp() * 1000))
    assert isinstance(decoded, Event)
    assert (decoded.event_id, decoded.key, decoded.properties) == (event.event_id, anonymous, properties)


def test_the_default_partitioner_is_the_one_that_is_used() -> None:
    """What the equality above is about."""
    from kafka import KafkaProducer

    assert type(KafkaProducer.DEFAULT_CONFIG["partitioner"]) is DefaultPartitioner


def test_models_are_events() -> None:
    assert isinstance(new_event("page_viewed", customer_id="c", properties=PAGE), PageViewed)
    assert issubclass(PageViewed, EngagementEvent)
