"""CloudEvents 1.0, structured and batch mode → our event. Parsed and checked by the `cloudevents` library."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from schemas.rejections import Rejection, RejectReason
from streams.collector.envelope import read_message
from streams.collector.names import snake_case, without_domain
from streams.collector.properties import translate
from streams.collector.segment import Mapped, Sender, event_id, identifier

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_REQUIRED: Final = ("id", "source", "type", "specversion")
_read: Final = JSONFormat().read


def to_event(raw: bytes, sender: Sender) -> Mapped | Rejection:
    """Map one CloudEvent; `sender.source` is not used, as each names its own."""
    attributes = read_message(raw)
    if isinstance(attributes, Rejection):
        return attributes
    # The library would make up a missing id, and with it a new event for every attempt.
    for name in _REQUIRED:
        if attributes.get(name) in (None, ""):
            return Rejection(RejectReason.MISSING_FIELD, f"{name}: required, but not there")
    try:
        event = _read(CloudEvent, _without_nulls(attributes, raw))
    except CloudEventValidationError as error:
        field = next(iter(error.errors))
        return Rejection(RejectReason.INVALID_FIELD, f"{_safe(field)}: not valid in CloudEvents 1.0")
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return Rejection(RejectReason.INVALID_FIELD, "time, data_base64: not valid in CloudEvents 1.0")
    return Mapped(_event(event, sender), attributes.get("time"), None)


def _without_nulls(attributes: dict[str, Any], raw: bytes) -> bytes:
    """A null attribute says the same as none; the library refuses it."""
    if None not in attributes.values():
        return raw
    return msgspec.json.encode({name: value for name, value in attributes.items() if value is not None})


def _event(event: BaseCloudEvent, sender: Sender) -> dict[str, Any]:
    event_type = snake_case(without_domain(event.get_type()))
    data: Any = event.get_data()
    if isinstance(data, dict):
        data = translate(event_type, data, sender.currency)
    mapped = {
        "event_id": event_id(event.get_id()),
        "type": event_type or None,
        "customer_id": identifier(event.get_subject()),
        "anonymous_id": identifier(event.get_extension("anonymousid")),
        "session_id": identifier(event.get_extension("sessionid")),
        "source": event.get_source(),
        "properties": "bytes" if isinstance(data, bytes) else data,
    }
    return {name: value for name, value in mapped.items() if value is not None}


def _safe(name: str) -> str:
    return name if name.isascii() and name.isalnum() and len(name) <= 64 else "?"
