"""The models as a producer in Python meets them, and the page that explains them."""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from schemas import export
from schemas.decode import Event, decode
from schemas.events import MODEL_OF_TYPE, CustomEvent, EngagementEvent, Identify, PageViewed
from schemas.examples import EXAMPLE_OF
from schemas.rejections import RejectReason

README = (export.DIRECTORY / "README.md").read_text(encoding="utf-8")
NOON = datetime(2026, 11, 22, 13, 0, 0, 123999, tzinfo=timezone(timedelta(hours=1)))


def page(**changes: Any) -> PageViewed:
    values: dict[str, Any] = {
        "event_id": "e-1",
        "occurred_at": NOON,
        "customer_id": "c-42",
        "properties": {"url": "u"},
    }
    return PageViewed(**(values | changes))


def decoded(event: EngagementEvent) -> Event:
    result = decode(
        event.model_dump_json(exclude_none=True).encode(), channel="website", appended_at_ms=1_795_400_000_000
    )
    assert isinstance(result, Event), result
    return result


@pytest.mark.parametrize("model", EXAMPLE_OF, ids=lambda model: model.__name__)
def test_what_a_model_writes_decode_reads(model: type[EngagementEvent]) -> None:
    example = EXAMPLE_OF[model]
    event = decoded(model.model_validate(example))
    assert (event.event_id, event.key, event.type) == (example["event_id"], "c-42", example["type"])
    assert event.properties == {
        key: value for key, value in example["properties"].items() if value is not None
    }


def test_a_model_writes_the_time_in_utc_milliseconds() -> None:
    assert json.loads(page().model_dump_json())["occurred_at"] == "2026-11-22T12:00:00.123Z"
    assert page(occurred_at="2026-11-22T13:00:00.123+01:00").occurred_at == NOON.replace(microsecond=123000)


def test_a_model_keeps_further_keys() -> None:
    event = decoded(page(app="2.1", properties={"url": "u", "arm": "b"}))
    assert (event.extra_json, event.properties["arm"]) == ('{"app":"2.1"}', "b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"occurred_at": NOON.replace(tzinfo=None)},
        {"occurred_at": NOON.replace(year=1989)},
        {"occurred_at": 1_795_323_601},
        {"occurred_at": "9999-12-31T23:59:59-23:59"},
        {"customer_id": None},
        {"customer_id": "anon:1"},
        {"customer_id": ""},
        {"type": "alias"},
        {"properties": {}},
    ],
)
def test_a_model_refuses_what_decode_would_reject(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        page(**wrong)


def test_a_known_type_has_its_own_model() -> None:
    with pytest.raises(ValidationError, match="use PageViewed"):
        CustomEvent(event_id="e", type="page_viewed", occurred_at=NOON, customer_id="c")


def test_the_key_is_the_customer_id_and_else_the_anonymous_id() -> None:
    both = Identify(event_id="e", occurred_at=NOON, customer_id="c", anonymous_id="a")
    only_one = Identify(event_id="e", occurred_at=NOON, anonymous_id="a")
    assert (both.key, only_one.key) == ("c", "a")


def test_the_page_for_producers_lists_every_type_with_its_properties() -> None:
    rows = dict(re.findall(r"^\| ([a-z_, ]+) \| (.+) \|$", README, re.MULTILINE))
    described = {name: text for names, text in rows.items() for name in names.split(", ")}
    for event_type, model in MODEL_OF_TYPE.items():
        bold = re.findall(r"\*\*(\w+)\*\*", described[event_type])
        example = EXAMPLE_OF[model]
        assert bold == _required_properties(event_type)
        assert all(name in described[event_type] for name in example["properties"])


def _required_properties(event_type: str) -> list[str]:
    schema = json.loads((export.DIRECTORY / f"json/{event_type}.json").read_text(encoding="utf-8"))
    reference = schema["properties"]["properties"].get("$ref")
    return schema["$defs"][reference.split("/")[-1]]["required"] if reference else []


def test_the_page_for_producers_lists_every_reason() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == {
        reason.value for reason in RejectReason
    }


def test_the_python_example_on_the_page_sends_a_valid_event(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, bytes, bytes]] = []

    class Recorder:
        def __init__(self, *, bootstrap_servers: str, acks: str, enable_idempotence: bool) -> None:
            assert acks == "all"
            assert enable_idempotence

        def send(self, topic: str, *, key: bytes, value: bytes) -> None:
            sent.append((topic, key, value))

        def flush(self) -> None:
            pass

    monkeypatch.setitem(sys.modules, "kafka", SimpleNamespace(KafkaProducer=Recorder))
    exec(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0], {})
    [(topic, key, value)] = sent
    event = decode(
        value, channel="purchase", appended_at_ms=int(datetime.now(timezone.utc).timestamp() * 1000)
    )
    assert isinstance(event, Event)
    assert (topic, key) == ("events.purchase", event.key.encode())
