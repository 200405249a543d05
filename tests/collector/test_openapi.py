"""The collector against its own OpenAPI document."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from streams.collector.openapi import document
from tests.collector.rig import SERVER, Running, basic
from tests.collector.test_mapping_table import rows

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_DOCUMENT = document("test")


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.kind} {row.name}")
def test_the_documented_messages_fit_the_document(row: Any) -> None:
    own = {"event": row.name, "properties": row.sent} if row.kind == "track" else row.sent
    sent = {"userId": "c-42", **own, "type": row.kind}
    schemas = {"components": _DOCUMENT["components"]}
    for name, body in ((row.kind, sent), ("batch", {"batch": [sent]})):
        jsonschema.validate(body, {**schemas, "$ref": f"#/components/schemas/{name}"})


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_generated_requests_meet_no_server_error_and_the_answers_are_as_documented(
    running: Running, mode: str
) -> None:
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    statuses: list[int] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode == "negative" and operation.method == "get":
            continue  # there is nothing to get wrong

        @settings(
            max_examples=40,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
        def call(case: Any) -> None:
            answer = case.call_and_validate(headers=basic(SERVER), checks=CHECKS)
            statuses.append(answer.status_code)

        call()
    print(f"\n{mode}: {len(statuses)} requests, statuses {sorted(set(statuses))}")
    assert max(statuses) < 500
