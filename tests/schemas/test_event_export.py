"""The exported files are what the models say, and hold what other languages need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from schemas import export, topics
from schemas.events import MODEL_OF_TYPE, CustomEvent, EngagementEvent
from schemas.examples import EXAMPLE_OF
from schemas.rejections import RejectReason

JSON_DIRECTORY = export.DIRECTORY / "json"
MODELS: list[type[EngagementEvent]] = [*MODEL_OF_TYPE.values(), CustomEvent]


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (export.DIRECTORY / "asyncapi.yaml").read_text(encoding="utf-8")
    )
    return document


def schema(name: str) -> Draft202012Validator:
    document = json.loads((JSON_DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def resolve(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    return (
        [node["$ref"]] if "$ref" in node else [found for item in node.values() for found in references(item)]
    )


def test_the_exported_files_are_what_the_models_say() -> None:
    assert export.differences(export.DIRECTORY) == []
    assert export.main(["--check"]) == 0


def test_a_fresh_export_passes_the_check(tmp_path: Path) -> None:
    assert export.main(["--directory", str(tmp_path)]) == 0
    assert export.main(["--directory", str(tmp_path), "--check"]) == 0


@pytest.mark.parametrize("drift", ["changed", "missing", "stale"])
def test_drift_is_named_and_export_mends_it(
    drift: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export.write(tmp_path)
    path = tmp_path / "json" / ("gone.json" if drift == "stale" else "alias.json")
    path.unlink() if drift == "missing" else path.write_text("{}")
    assert export.main(["--directory", str(tmp_path), "--check"]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"json/{path.name}: ")
    assert told.count("\n") == 1
    export.write(tmp_path)
    assert export.differences(tmp_path) == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_example_is_valid_by_its_own_schema_and_by_that_of_any_event(
    model: type[EngagementEvent],
) -> None:
    event = EXAMPLE_OF[model]
    name = "custom_event" if model is CustomEvent else event["type"]
    assert schema(name).is_valid(event)
    assert schema("event").is_valid(event)
    for field in ("event_id", "type", "occurred_at"):
        assert not schema(name).is_valid({key: value for key, value in event.items() if key != field})


def test_the_schema_wants_one_of_the_two_ids() -> None:
    event = {**EXAMPLE_OF[CustomEvent], "customer_id": None}
    assert not schema("event").is_valid(event)
    assert schema("event").is_valid({**event, "anonymous_id": "a-1"})


def test_the_schema_knows_the_two_survey_scales() -> None:
    event = EXAMPLE_OF[MODEL_OF_TYPE["survey_answered"]]
    answers = [("nps", 0), ("nps", 10), ("nps", 11), ("csat", 0), ("csat", 5), ("csat", 6)]
    valid = [
        schema("event").is_valid({**event, "properties": {"survey": survey, "score": score}})
        for survey, score in answers
    ]
    assert valid == [True, True, False, False, True, False]


def test_a_known_type_cannot_pass_as_a_type_of_ones_own() -> None:
    assert not schema("custom_event").is_valid({**EXAMPLE_OF[CustomEvent], "type": "alias"})


def test_asyncapi_describes_the_source_topics_and_the_rejects(asyncapi: dict[str, Any]) -> None:
    assert asyncapi["asyncapi"].startswith("3.")
    addresses = [channel["address"] for channel in asyncapi["channels"].values()]
    assert addresses == [*topics.SOURCE_TOPICS, topics.REJECTED]
    actions = {o["channel"]["$ref"]: o["action"] for o in asyncapi["operations"].values()}
    assert actions == {
        "#/channels/website": "receive",
        "#/channels/chat": "receive",
        "#/channels/purchase": "receive",
        "#/channels/rejected": "send",
    }


def test_every_reference_in_asyncapi_leads_somewhere(asyncapi: dict[str, Any]) -> None:
    found = references(asyncapi)
    assert len(found) > 3 * len(MODELS)
    assert all(isinstance(resolve(asyncapi, reference), dict) for reference in found)


def test_each_source_channel_of_asyncapi_carries_every_type(asyncapi: dict[str, Any]) -> None:
    for channel in ("website", "chat", "purchase"):
        messages = [resolve(asyncapi, m["$ref"]) for m in asyncapi["channels"][channel]["messages"].values()]
        assert {message["name"] for message in messages} == {*MODEL_OF_TYPE, "custom_event"}


def test_each_message_of_asyncapi_has_a_valid_example_and_explains_its_key(asyncapi: dict[str, Any]) -> None:
    messages = asyncapi["components"]["messages"]
    for name in (model.__name__ for model in MODELS):
        root = {**messages[name]["payload"], "components": asyncapi["components"]}
        assert [Draft7Validator(root).is_valid(shown["payload"]) for shown in messages[name]["examples"]] == [
            True
        ]
        key = messages[name]["bindings"]["kafka"]["key"]["description"]
        assert all(word in key for word in ("customer_id", "anonymous_id", "UTF-8", "murmur2"))


def test_asyncapi_lists_the_headers_and_reasons_of_a_rejected_record(asyncapi: dict[str, Any]) -> None:
    headers = resolve(asyncapi, asyncapi["components"]["messages"]["RejectedRecord"]["headers"]["$ref"])
    assert headers["required"] == ["reason", "detail", "source_topic", "source_partition", "source_offset"]
    reasons = resolve(asyncapi, headers["properties"]["reason"]["$ref"])["enum"]
    assert reasons == [reason.value for reason in RejectReason]
