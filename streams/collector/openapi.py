"""The collector's own description, OpenAPI 3.1, served at /openapi.json."""

from __future__ import annotations

from typing import Any, Final

from schemas.events import MAX_VALUE_BYTES
from streams.collector.body import MAX_BODY_BYTES
from streams.collector.cloud_events import BATCH, STRUCTURED
from streams.collector.envelope import MAX_MESSAGES

Schema = dict[str, Any]

_TEXT: Final = {"type": ["string", "null"]}
_OBJECT: Final = {"type": ["object", "null"]}
_ID: Final = {"type": ["string", "integer", "null"], "maxLength": 128}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_COMMON: Final[Schema] = {
    "messageId": _TEXT,
    "userId": _ID,
    "anonymousId": _ID,
    "timestamp": _TIME,
    "originalTimestamp": _TIME,
    "sentAt": _TIME,
    "context": _OBJECT,
    "writeKey": {**_TEXT, "description": "The header of Basic auth wins"},
}
_OWN: Final[dict[str, Schema]] = {
    "track": {"event": {"type": "string", "minLength": 1}, "properties": _OBJECT},
    "page": {"name": _TEXT, "category": _TEXT, "properties": _OBJECT},
    "screen": {"name": _TEXT, "category": _TEXT, "properties": _OBJECT},
    "identify": {"traits": _OBJECT},
    "alias": {"previousId": _ID},
    "group": {"groupId": _ID, "traits": _OBJECT},
}
_REQUIRED: Final = {"track": ["event"]}
_IDENTITY: Final = [{"required": ["userId"]}, {"required": ["anonymousId"]}]
_ERRORS: Final = {
    "400": "Malformed or too large; `message` names the field, and in a batch the message. Nothing was taken",
    "401": "No write key, or one that is not known",
    "403": "The write key does not list the page's origin",
    "429": "Overloaded, or the write key's limit is reached; see Retry-After",
    "500": "A defect of the collector",
    "503": "Kafka did not acknowledge; send again",
}
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}}


def document(version: str) -> Schema:
    """The whole description."""
    paths = {f"/v1/{kind}": _post(kind, _json(_reference(kind))) for kind in _OWN}
    short = {f"/v1/{kind[0]}": _post(kind, _json(_reference(kind)), short=True) for kind in _OWN}
    batch = {
        path: _post("batch", _json(_reference("batch")), short=path == "/v1/b")
        for path in ("/v1/batch", "/v1/b")
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Engagement Streams collector",
            "version": version,
            "description": "Segment's HTTP API and CloudEvents 1.0 in, Kafka out. 200: Kafka has it. "
            f"At most {MAX_VALUE_BYTES // 1024} KB a message, {MAX_BODY_BYTES // 1024} KB and "
            f"{MAX_MESSAGES} messages a body after decompression (`Content-Encoding: gzip`).",
        },
        "paths": {
            **paths,
            **short,
            **batch,
            "/v1/cloudevents": _post("cloudevents", _cloud_events()),
            **_gets(),
        },
        "components": {
            "schemas": {
                **{kind: _message(kind) for kind in _OWN},
                "batch": _batch(),
                "cloudevent": _cloud_event(),
                "success": _object({"success": {"const": True}}, ["success"]),
                "error": _object(
                    {"success": {"const": False}, "code": {"type": "string"}, "message": {"type": "string"}},
                    ["success", "code", "message"],
                ),
            },
            "securitySchemes": {
                "writeKey": {"type": "http", "scheme": "basic", "description": "User name: the write key"}
            },
        },
        "security": [{"writeKey": []}],
    }


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required}


def _message(kind: str) -> Schema:
    return {**_object({**_COMMON, **_OWN[kind]}, _REQUIRED.get(kind, [])), "anyOf": _IDENTITY}


def _batch() -> Schema:
    typed = {
        "allOf": [{"oneOf": [_typed(kind) for kind in _OWN]}],
    }
    messages = {"type": "array", "minItems": 1, "maxItems": MAX_MESSAGES, "items": typed}
    return _object(
        {"batch": messages, "sentAt": _TIME, "context": _OBJECT, "writeKey": _COMMON["writeKey"]}, ["batch"]
    )


def _typed(kind: str) -> Schema:
    message = _message(kind)
    return {
        **message,
        "properties": {**message["properties"], "type": {"const": kind}},
        "required": ["type", *message["required"]],
    }


def _cloud_event() -> Schema:
    return _object(
        {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1},
            "type": {"type": "string", "minLength": 1, "description": "A reverse-DNS prefix is cut off"},
            "time": {"type": "string", "format": "date-time"},
            "subject": {
                "type": "string",
                "minLength": 1,
                "maxLength": 128,
                "description": "The customer's id",
            },
            "anonymousid": {"type": "string", "minLength": 1, "maxLength": 128},
            "sessionid": {"type": "string"},
            "data": {"type": "object"},
        },
        ["specversion", "id", "source", "type"],
    )


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _cloud_events() -> Schema:
    one = _reference("cloudevent")
    several = {"type": "array", "minItems": 1, "maxItems": MAX_MESSAGES, "items": one}
    return {STRUCTURED: {"schema": one}, BATCH: {"schema": several}}


def _post(name: str, content: Schema, *, short: bool = False) -> Schema:
    operation = f"{name}_short" if short else name
    errors = {
        status: {
            "description": text,
            "content": _json(_reference("error")),
            **({"headers": _RETRY_AFTER} if status in ("429", "503") else {}),
        }
        for status, text in _ERRORS.items()
    }
    taken = {"description": "Acknowledged by Kafka", "content": _json(_reference("success"))}
    body = {"required": True, "content": content}
    return {"post": {"operationId": operation, "requestBody": body, "responses": {"200": taken, **errors}}}


def _gets() -> Schema:
    error = {
        "description": "Kafka does not answer, or topics are missing",
        "content": _json(_reference("error")),
    }
    ready = {"200": {"description": "Kafka answers", "content": _json(_reference("success"))}, "503": error}
    answers: dict[str, Schema] = {
        "livez": {"200": {"description": "The process serves", "content": _json(_reference("success"))}},
        "readyz": ready,
        "metrics": {"200": {"description": "Prometheus' format", "content": {"text/plain": {}}}},
        "version": {"200": {"description": "Version", "content": _json({"type": "object"})}},
        "openapi.json": {"200": {"description": "This document", "content": _json({"type": "object"})}},
    }
    return {
        f"/{name}": {"get": {"operationId": name.partition(".")[0], "security": [], "responses": responses}}
        for name, responses in answers.items()
    }
