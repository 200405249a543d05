"""Rejected records as a file for editing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import WEBSITE
from streams.errors import EngageError
from streams.ops.reject_files import from_lines, to_line
from streams.ops.rejects import Coordinates, Repaired, Stored

PLACE = Coordinates(WEBSITE, 3, 17)
EVENT = b'{"event_id":"e-1","type":"page_viewed","customer_id":"\xc3\xa9","n":36893488147419103232}'


def kept(payload: bytes, size: int | None = None) -> Stored:
    return Stored(PLACE, "not_json", "why", payload, len(payload) if size is None else size)


def line(**changes: Any) -> bytes:
    body = {"source_topic": WEBSITE, "source_partition": 3, "source_offset": 17, "value": {"a": 1}}
    return json.dumps({**body, **changes}).encode()


def test_an_event_is_written_as_an_object_to_be_edited() -> None:
    assert json.loads(to_line(kept(EVENT))) == {
        "source_topic": WEBSITE,
        "source_partition": 3,
        "source_offset": 17,
        "reason": "not_json",
        "detail": "why",
        "value": json.loads(EVENT),
    }


@pytest.mark.parametrize(
    "text", ["rubbish", "[1]", '{"a": NaN}', '{"a": 1e999}', '"\\ud800"', '{"a": "\\ud800"}', "{" * 50_000]
)
def test_what_is_not_an_object_is_written_as_its_text(text: str) -> None:
    assert json.loads(to_line(kept(text.encode())))["value"] == text


def test_what_is_not_utf8_is_written_in_base64() -> None:
    written = json.loads(to_line(kept(b"\xff\x00")))

    assert written["value_base64"] == "/wA="
    assert "value" not in written


@pytest.mark.parametrize("record", [kept(b""), kept(b"x" * 10, size=2_000_000)])
def test_what_is_not_stored_whole_has_no_value(record: Stored) -> None:
    assert json.loads(to_line(record))["value"] is None


@given(st.binary(min_size=1, max_size=300))
def test_bytes_that_are_not_an_object_come_back_unchanged(payload: bytes) -> None:
    if payload.lstrip().startswith(b"{"):
        payload = b"x" + payload

    assert list(from_lines([to_line(kept(payload))])) == [Repaired(PLACE, payload)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(-1e300, 1e300) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
def test_an_object_comes_back_with_the_same_meaning(value: object) -> None:
    payload = json.dumps({"value": value}).encode()

    (repaired,) = from_lines([to_line(kept(payload))])

    assert json.loads((repaired.value or b"").decode("utf-8", "surrogatepass")) == {"value": value}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (b"x", "not a line of `engage rejected export`"),
        (b"[]", "the line: "),
        (line(source_topic="elsewhere"), "source_topic: must be one of events.website, "),
        (line(source_partition="3"), "source_partition: "),
        (line(source_offset=-1), "source_offset: "),
        (line(value=7), "value: must be an object, a text or null"),
        (line(value_base64="?"), "not a line of"),
    ],
)
def test_a_wrong_line_is_named(wrong: bytes, words: str) -> None:
    with pytest.raises(EngageError) as error:
        list(from_lines([b"\n", line(), wrong]))

    assert str(error.value).startswith(f"line 3: {words}")
    assert "\n" not in str(error.value)
