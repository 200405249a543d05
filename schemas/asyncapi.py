"""The AsyncAPI 3 document of the topics that producers and operators meet, built from the models."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from schemas import topics
from schemas.events import MAX_VALUE_BYTES, MODEL_OF_TYPE, CustomEvent, EngagementEvent
from schemas.examples import EXAMPLE_OF
from schemas.rejections import RejectedHeaders

_KAFKA_BINDING_VERSION: Final = "0.5.0"
_VERSION: Final = "1.0.0"
"""The contract's version: minor for what is added, major for what breaks a producer."""

_ABOUT: Final = (
    "Events of website, chat and purchase come in through one topic per channel. A value is one JSON object "
    f"of at most {MAX_VALUE_BYTES} bytes. What is not a valid event goes to `{topics.REJECTED}`, byte for "
    "byte, with the reason."
)
_KEY: Final = (
    "customer_id if known, else anonymous_id, as UTF-8. Partitioner: Kafka's default, murmur2 (in librdkafka "
    "clients `partitioner=murmur2_random`), so that a customer has one partition number in all three topics."
)


class PlainSchema(GenerateJsonSchema):
    """JSON Schema without a title on each field, which would only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document() -> dict[str, Any]:
    """The whole document, as plain dicts and lists."""
    models: list[type[EngagementEvent]] = [*MODEL_OF_TYPE.values(), CustomEvent]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Engagement Streams", "version": _VERSION, "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            **{name: _source_channel(name, topic, models) for name, topic in topics.TOPIC_OF_CHANNEL.items()},
            "rejected": _rejected_channel(),
        },
        "operations": {
            **{f"receive_{name}": _operation("receive", name) for name in topics.TOPIC_OF_CHANNEL},
            "send_rejected": _operation("send", "rejected"),
        },
        "components": {
            "messages": {
                **{m.__name__: _event_message(m) for m in models},
                "RejectedRecord": _rejected_message(),
            },
            "schemas": _schemas([*models, RejectedHeaders]),
        },
    }


def _source_channel(name: str, topic: str, models: list[type[EngagementEvent]]) -> dict[str, Any]:
    messages = {m.__name__: {"$ref": f"#/components/messages/{m.__name__}"} for m in models}
    return _channel(topic, f"Events of the channel `{name}`, of any type.", messages)


def _rejected_channel() -> dict[str, Any]:
    messages = {"RejectedRecord": {"$ref": "#/components/messages/RejectedRecord"}}
    return _channel(topics.REJECTED, "Records that are not valid events, with the reason.", messages)


def _channel(topic: str, description: str, messages: dict[str, Any]) -> dict[str, Any]:
    config = next(spec.config for spec in topics.TOPICS if spec.name == topic)
    configuration = {
        "cleanup.policy": [config["cleanup.policy"]],
        "retention.ms": int(config["retention.ms"]),
        "max.message.bytes": int(config["max.message.bytes"]),
    }
    kafka = {"topicConfiguration": configuration, "bindingVersion": _KAFKA_BINDING_VERSION}
    return {
        "address": topic,
        "description": description,
        "messages": messages,
        "bindings": {"kafka": kafka},
    }


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}


def _event_message(model: type[EngagementEvent]) -> dict[str, Any]:
    example = EXAMPLE_OF[model]
    return {
        "name": example["type"] if model is not CustomEvent else "custom_event",
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "examples": [{"payload": example}],
        "bindings": _key_binding(_KEY),
    }


def _rejected_message() -> dict[str, Any]:
    return {
        "name": "rejected_record",
        "summary": "The original key and value, byte for byte",
        "contentType": "application/octet-stream",
        "headers": {"$ref": f"#/components/schemas/{RejectedHeaders.__name__}"},
        "bindings": _key_binding("The key of the original record."),
    }


def _key_binding(description: str) -> dict[str, Any]:
    key = {"type": "string", "description": description}
    return {"kafka": {"key": key, "bindingVersion": _KAFKA_BINDING_VERSION}}


def _schemas(models: list[type[BaseModel]]) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=PlainSchema,
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas
