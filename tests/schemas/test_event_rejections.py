"""Which reason an invalid record gets, and that the detail names the field and nothing private."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.decode import MAX_AHEAD_MS, MAX_DEPTH, Event, decode
from schemas.events import MAX_VALUE_BYTES, MODEL_OF_TYPE
from schemas.examples import EXAMPLE_OF
from schemas.rejections import Rejection, RejectReason

OCCURRED_AT_MS = 1_795_323_601_123
BIG = 2**63
ABSENT = object()


def rejected(value: bytes | None, appended_at_ms: int = OCCURRED_AT_MS) -> Rejection:
    result = decode(value, channel="website", appended_at_ms=appended_at_ms)
    assert isinstance(result, Rejection), result
    assert result.detail.isprintable()
    return result


def example(event_type: str, path: str = "", value: Any = ABSENT) -> bytes:
    """The type's example with one place changed, or removed."""
    body = json.loads(json.dumps(EXAMPLE_OF[MODEL_OF_TYPE[event_type]]))
    *parents, last = path.split(".")
    place = body
    for name in parents:
        place = place[int(name) if isinstance(place, list) else name]
    place.pop(last, None)
    if value is not ABSENT:
        place[last] = value
    return json.dumps(body).encode()


def test_the_reasons_are_those_of_the_contract() -> None:
    assert {reason.value for reason in RejectReason} == {
        "not_utf8",
        "not_json",
        "too_large",
        "missing_field",
        "invalid_field",
        "no_identity",
        "future_timestamp",
        "null_value",
        "not_storable",
    }


def test_a_tombstone_is_a_null_value() -> None:
    assert rejected(None).reason is RejectReason.NULL_VALUE


@pytest.mark.parametrize("size", [MAX_VALUE_BYTES + 1, 5_000_000])
def test_a_large_value_is_too_large_whatever_it_holds(size: int) -> None:
    assert rejected(b"\xff" * size) == Rejection(RejectReason.TOO_LARGE, f"{size} bytes, at most 32768")


@pytest.mark.parametrize(
    "value",
    [
        b"\xff\xfe",
        b'{"event_id": "\xe9"}',
        b'{"\xed\xa0\x80": 1}',
        b"\xc0\x80",
        b'{"a": 1}\xf0\x9f',
        b'{"a": 1\xff}',
    ],
)
def test_bytes_that_are_not_utf8(value: bytes) -> None:
    assert rejected(value).reason is RejectReason.NOT_UTF8


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"\x00",
        b"hello",
        b"\xef\xbb\xbf{}",
        b"null",
        b"17",
        b'"text"',
        b"[]",
        b'[{"event_id": "e"}]',
        b"{'event_id': 'e'}",
        b'{"a": 1,}',
        b'{"a": 1} {}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 01}',
        b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}',
        b'{"a": "\\x41"}',
        b'{"a": "line\nbreak"}',
        b"[" * 16_000,
        b'{"a":' * 5_000,
        b"[" * 16_000 + b"]" * 16_000,
    ],
)
def test_bytes_that_are_no_json_object(value: bytes) -> None:
    assert rejected(value).reason is RejectReason.NOT_JSON


@pytest.mark.parametrize("cut", [1, 2, 20, 100])
def test_a_truncated_event_is_not_json(cut: int) -> None:
    assert rejected(example("page_viewed")[:-cut]).reason is RejectReason.NOT_JSON


@pytest.mark.parametrize("levels", [MAX_DEPTH, 600])
@pytest.mark.parametrize("place", ["properties.nested", "nested", "event_id", "properties"])
def test_deep_nesting_is_not_json_wherever_it_is(place: str, levels: int) -> None:
    nested: Any = {}
    for _ in range(levels):
        nested = {"n": nested}
    assert rejected(example("page_viewed", place, nested)).reason is RejectReason.NOT_JSON


REQUIRED = [
    *(("page_viewed", name) for name in ("event_id", "occurred_at")),
    ("page_viewed", "properties.url"),
    ("product_viewed", "properties.product_id"),
    ("product_added", "properties.product_id"),
    ("search_performed", "properties.query"),
    ("form_submitted", "properties.form_id"),
    ("conversation_started", "properties.conversation_id"),
    ("conversation_ended", "properties.conversation_id"),
    *(("message_sent", f"properties.{name}") for name in ("conversation_id", "author")),
    *(("order_completed", f"properties.{name}") for name in ("order_id", "total_minor", "currency")),
    *(("order_refunded", f"properties.{name}") for name in ("order_id", "amount_minor", "currency")),
    ("alias", "properties.previous_id"),
    *(("survey_answered", f"properties.{name}") for name in ("survey", "score")),
    ("referral_made", "properties.referral_code"),
    *(("referral_converted", f"properties.{name}") for name in ("referral_code", "referred_id")),
]


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
@pytest.mark.parametrize(("event_type", "path"), REQUIRED)
def test_a_required_field_that_is_not_there_is_named(event_type: str, path: str, value: Any) -> None:
    expected = Rejection(RejectReason.MISSING_FIELD, f"{path}: required, but not there")
    assert rejected(example(event_type, path, value)) == expected


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
def test_an_event_without_a_type_misses_a_field(value: Any) -> None:
    found = rejected(example("page_viewed", "type", value))
    assert found == Rejection(RejectReason.MISSING_FIELD, "type: required, but not there")


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
def test_without_properties_the_required_ones_are_missing(value: Any) -> None:
    assert rejected(example("page_viewed", "properties", value)).detail.startswith("properties.url: ")


INVALID = [
    *(("page_viewed", "event_id", wrong) for wrong in ("", "x" * 65, 5, True, ["e"], {"e": 1})),
    *(("page_viewed", "customer_id", wrong) for wrong in ("x" * 129, 42, 0, False, [], "anon:a-1", "anon:")),
    *(
        ("page_viewed", "type", wrong)
        for wrong in ("", "Page", "9x", "a-b", "x" * 65, "é", "page_viewed\n", 5, [])
    ),
    *(("page_viewed", "session_id", wrong) for wrong in (5, True, [])),
    *(("page_viewed", "source", wrong) for wrong in (5, {})),
    *(("identify", "anonymous_id", wrong) for wrong in ("", "x" * 129, 1.5)),
    *(("identify", "properties", wrong) for wrong in ([], "x", 1, False)),
    *(("page_viewed", "properties.url", wrong) for wrong in ("", 1, ["u"])),
    ("page_viewed", "properties.title", 7),
    ("product_viewed", "properties.quantity", 1.0),
    *(
        ("product_viewed", "properties.price_minor", wrong)
        for wrong in (49.99, "4999", True, BIG, -BIG - 1, 2**70)
    ),
    *(("product_viewed", "properties.currency", wrong) for wrong in ("eur", "EURO", "", "€", "EUR\n", 978)),
    ("search_performed", "properties.query", 5),
    ("conversation_started", "properties.proactive", 1),
    ("conversation_ended", "properties.resolved", "yes"),
    *(("message_sent", "properties.author", wrong) for wrong in ("visitor", "", 1)),
    *(("message_sent", "properties.text_length", wrong) for wrong in (-1, "42", 4.2)),
    *(("order_completed", "properties.total_minor", wrong) for wrong in (-1, 99.98, "9998", 2**70, 1e3)),
    *(("order_completed", "properties.items", wrong) for wrong in ({}, "shoe", 2)),
    *(("order_completed", "properties.items.0.quantity", wrong) for wrong in (2.0, "2", BIG)),
    ("order_refunded", "properties.amount_minor", -1),
    ("identify", "properties.traits", ["gold"]),
    *(("alias", "properties.previous_id", wrong) for wrong in ("", "x" * 129, 5)),
    ("survey_answered", "properties.survey", "ces"),
    *(("survey_answered", "properties.score", wrong) for wrong in (-1, 11, 9.0, "9", True, BIG)),
    ("referral_converted", "properties.referred_id", 5),
    # Integers anywhere else must fit 64 bits, too.
    *(("page_viewed", "further", wrong) for wrong in (BIG, -BIG - 1, 2**64, 2**70, 10**400)),
    ("page_viewed", "properties.further", 2**64 - 1),
    ("identify", "properties.traits.points", BIG),
    ("order_completed", "properties.items.0.sku", BIG),
]


@pytest.mark.parametrize(("event_type", "path", "wrong"), INVALID)
def test_a_wrong_value_is_an_invalid_field_and_is_named(event_type: str, path: str, wrong: Any) -> None:
    found = rejected(example(event_type, path, wrong))
    assert found.reason is RejectReason.INVALID_FIELD
    assert found.detail.startswith(path.replace(".0.sku", ".sku") + ": ")


@pytest.mark.parametrize("score", [0, 6])
def test_a_csat_score_is_1_to_5(score: int) -> None:
    found = rejected(example("survey_answered", "properties", {"survey": "csat", "score": score}))
    assert found == Rejection(RejectReason.INVALID_FIELD, "properties.score: must be 1 to 5 for csat")


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" * 400 + b".0", b"1" * 5000])
def test_a_number_that_no_64_bits_hold_is_an_invalid_field(number: bytes) -> None:
    value = example("page_viewed")[:-1] + b', "n": ' + number + b"}"
    assert rejected(value).reason is RejectReason.INVALID_FIELD


def test_a_null_in_a_list_is_invalid_rather_than_missing() -> None:
    assert (
        rejected(example("order_completed", "properties.items", [None])).reason is RejectReason.INVALID_FIELD
    )


@pytest.mark.parametrize("ids", [{}, {"customer_id": None}, {"customer_id": "", "anonymous_id": ""}])
@pytest.mark.parametrize("event_type", ["page_viewed", "level_reached"])
def test_an_event_of_nobody_has_no_identity(ids: dict[str, Any], event_type: str) -> None:
    body = json.loads(example("page_viewed", "customer_id")) | {"type": event_type}
    del body["anonymous_id"]
    assert rejected(json.dumps(body | ids).encode()).reason is RejectReason.NO_IDENTITY


def test_an_empty_customer_id_is_invalid_when_there_is_another_id() -> None:
    assert rejected(example("identify", "customer_id", "")).detail.startswith("customer_id: ")


def test_a_missing_field_outweighs_a_wrong_one_and_a_missing_identity() -> None:
    body = {"event_id": 5, "type": "page_viewed", "occurred_at": "2026-11-22T05:00:01Z", "properties": {}}
    found = rejected(json.dumps(body).encode())
    assert found == Rejection(
        RejectReason.MISSING_FIELD, "properties.url: required, but not there (and 1 more)"
    )


def test_an_event_may_be_24_hours_ahead_of_its_append_time_and_no_more() -> None:
    value = example("page_viewed")
    latest = OCCURRED_AT_MS - MAX_AHEAD_MS
    assert isinstance(decode(value, channel="chat", appended_at_ms=latest), Event)
    assert rejected(value, latest - 1).reason is RejectReason.FUTURE_TIMESTAMP


def test_the_year_9999_is_in_the_future() -> None:
    for instant in ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"):
        assert rejected(example("alias", "occurred_at", instant)).reason is RejectReason.FUTURE_TIMESTAMP


def test_the_detail_never_repeats_what_was_sent() -> None:
    secret = "ada@example.org"
    for path in (
        "event_id",
        "occurred_at",
        "type",
        "properties",
        "properties.author",
        "properties.text_length",
    ):
        assert secret not in rejected(example("message_sent", path, [secret])).detail
        assert secret not in rejected(example("message_sent", path, {secret: 2**70})).detail
    assert rejected(example("page_viewed", "more", {secret: {"n": BIG}})).detail.startswith("more.?.n: ")
