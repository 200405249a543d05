"""Whatever the bytes: `decode` answers. And its answers are those of the models and of the JSON Schemas."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas.decode import Event, decode
from schemas.events import MODEL_OF_TYPE, CustomEvent, EngagementEvent, OrderCompleted, SurveyAnswered
from schemas.examples import EXAMPLE_OF
from schemas.rejections import Rejection
from schemas.structs import read_valid

SCHEMA_OF_ANY_EVENT = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas/json/event.json").read_text(encoding="utf-8"))
)
INT64 = st.integers(min_value=-(2**63), max_value=2**63 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | INT64 | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
EXAMPLES = st.sampled_from(list(EXAMPLE_OF.values())).map(copy.deepcopy)
# Values that lie on, or just beside, some rule of some field.
TRICKY = st.one_of(
    st.sampled_from([None, True, False, 1.5, [], {}, [{}], [None], {"a": 1}]),
    st.sampled_from([0, 1, 5, 6, 10, 11, -1, 2**63 - 1, 2**63, -(2**63) - 1]),
    st.sampled_from([64, 65, 128, 129]).map(lambda length: "x" * length),
    st.sampled_from(["", "x", "anon:x", "EUR", "eur", "nps", "csat", "agent", "2026-11-22T05:00:01"]),
    st.sampled_from(["page_viewed", "order_completed", "level_up", "Level", "2026-11-22T05:00:01Z"]),
)


def answer(value: bytes) -> Event | Rejection:
    result = decode(value, channel="chat", appended_at_ms=1_795_323_605_000)
    assert isinstance(result, (Event, Rejection))
    return result


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """An example in which up to three places, at the top or in its properties, are changed or removed."""
    body: dict[str, Any] = draw(EXAMPLES)
    for _ in range(draw(st.integers(1, 3))):
        properties = body.get("properties")
        inner = isinstance(properties, dict) and draw(st.booleans())
        place = properties if inner and isinstance(properties, dict) else body
        name = draw(st.sampled_from(sorted(place) or ["x"]))
        if draw(st.booleans()):
            place[name] = draw(TRICKY)
        else:
            place.pop(name, None)
    return body


@given(st.binary(max_size=200))
@example(b"")
@example(b"[" * 30_000)
@example(b'{"a":' * 6_000)
def test_arbitrary_bytes_get_a_reason(value: bytes) -> None:
    assert isinstance(answer(value), Rejection)


@given(JSON_VALUES)
def test_arbitrary_json_gets_an_answer(body: Any) -> None:
    assert isinstance(answer(json.dumps(body).encode()), Rejection)


@given(EXAMPLES, st.data())
def test_a_damaged_event_gets_an_answer_of_one_line(body: dict[str, Any], data: st.DataObject) -> None:
    value = bytearray(json.dumps(body).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    result = answer(bytes(value[: data.draw(st.integers(0, len(value)))]))
    assert isinstance(result, Event) or result.detail.isprintable()


@given(
    mutated(),
    st.sampled_from(["event_id", "occurred_at", "customer_id", "type", "properties", "x"]),
    JSON_VALUES,
)
def test_any_value_in_any_field_gets_an_answer(body: dict[str, Any], field: str, value: Any) -> None:
    result = answer(json.dumps({**body, field: value}).encode())
    assert isinstance(result, Event) or result.detail.isprintable()


@given(
    EXAMPLES,
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64),
    st.dictionaries(TEXT.map("x_".__add__), JSON_VALUES, max_size=4),
    st.dictionaries(TEXT.map("x_".__add__), JSON_VALUES, max_size=4),
)
def test_a_valid_event_comes_back_as_it_was_sent(
    body: dict[str, Any], event_id: str, in_properties: dict[str, Any], at_the_top: dict[str, Any]
) -> None:
    properties = body["properties"] | in_properties
    event = answer(json.dumps(body | at_the_top | {"event_id": event_id, "properties": properties}).encode())
    assert isinstance(event, Event)
    assert event.event_id == event_id
    assert event.properties == json.loads(event.properties_json) == properties
    assert json.loads(event.extra_json or "{}") == at_the_top


@settings(max_examples=500)
@given(mutated(), st.binary(max_size=3), st.integers(0, 400))
def test_structs_and_pydantic_read_the_same_event(body: dict[str, Any], damage: bytes, at: int) -> None:
    whole = json.dumps(body).encode()
    for value in (whole, whole[:at] + damage + whole[at + len(damage) :]):
        short = answer(value)
        with patch("schemas.decode.read_valid", return_value=None):
            assert answer(value) == short


@pytest.mark.parametrize("model", EXAMPLE_OF, ids=lambda model: model.__name__)
def test_structs_read_the_example_of_every_known_type_but_surveys(model: type[EngagementEvent]) -> None:
    is_read = read_valid(json.dumps(EXAMPLE_OF[model]).encode()) is not None
    assert is_read == (model not in (SurveyAnswered, CustomEvent))


def test_structs_leave_a_currency_with_a_newline_to_pydantic() -> None:
    body = copy.deepcopy(EXAMPLE_OF[OrderCompleted])
    body["properties"]["currency"] = "EUR\n"
    assert read_valid(json.dumps(body).encode()) is None
    assert isinstance(answer(json.dumps(body).encode()), Rejection)


@settings(max_examples=300)
@given(mutated())
def test_decode_the_models_and_the_json_schema_agree(body: dict[str, Any]) -> None:
    # The two rules that only decode knows: free integers, and null for absent properties.
    free = [body, body["properties"]] if isinstance(body.get("properties"), dict) else [body]
    assume(not any(isinstance(v, int) and abs(v) >= 2**63 for place in free for v in place.values()))
    assume(body.get("properties") is not None)
    accepted = isinstance(answer(json.dumps(body).encode()), Event)
    assert accepted == _model_accepts(body)
    assert accepted == SCHEMA_OF_ANY_EVENT.is_valid(body)


def _model_accepts(body: dict[str, Any]) -> bool:
    name = body.get("type")
    model = MODEL_OF_TYPE.get(name, CustomEvent) if isinstance(name, str) else CustomEvent
    try:
        model.model_validate_json(json.dumps(body)) if "type" in body else CustomEvent.model_validate(body)
    except ValidationError:
        return False
    return True
