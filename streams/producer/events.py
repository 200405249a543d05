"""Events as producers make them, and as they travel."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from schemas.decode import decode
from schemas.events import MODEL_OF_TYPE, CustomEvent, EngagementEvent
from schemas.rejections import NO_IDENTITY, Rejection, from_validation_error
from schemas.topics import TOPIC_OF_CHANNEL, channel_of_type
from streams.producer.errors import InvalidEvent

_UNFIT: Final = (ValueError, TypeError, RecursionError)


class Record(NamedTuple):
    """A valid event on its way: to which channel, with which Kafka key and value."""

    channel: str
    key: bytes
    value: bytes


def new_event(
    type: str,
    *,
    customer_id: str | None = None,
    anonymous_id: str | None = None,
    properties: Mapping[str, Any] | None = None,
    event_id: str | None = None,
    occurred_at: datetime | str | None = None,
    **further: Any,
) -> EngagementEvent:
    """An event of a known type, or one of a type of your own.

    Args:
        event_id: a fresh UUID if left out. A retry must repeat it, so keep the event, not its parts.
        occurred_at: aware, or RFC 3339 with a zone; now if left out. Milliseconds count.
        further: `session_id`, `source`, and whatever else is to be kept.

    Raises:
        InvalidEvent: one line that names the field.
    """
    body = {
        **further,
        "event_id": str(uuid.uuid4()) if event_id is None else event_id,
        "type": type,
        "occurred_at": _now() if occurred_at is None else occurred_at,
        "customer_id": customer_id,
        "anonymous_id": anonymous_id,
        "properties": dict(properties) if isinstance(properties, Mapping) else properties,
    }
    return to_event({name: value for name, value in body.items() if value is not None})


def to_event(body: Mapping[str, Any]) -> EngagementEvent:
    """The event of a mapping in the form of the contract.

    Raises:
        InvalidEvent: one line that names the field.
    """
    event_type = body.get("type")
    model = MODEL_OF_TYPE.get(event_type, CustomEvent) if isinstance(event_type, str) else CustomEvent
    given = dict(body)
    if model is not CustomEvent and given.get("properties") is None:
        given["properties"] = {}  # as `decode` has it: what is missing is one of them
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidEvent(_detail(error, given)) from None


def _detail(error: ValidationError, body: dict[str, Any]) -> str:
    if not error.errors()[0]["loc"]:  # the one rule for the event as a whole
        return NO_IDENTITY
    return from_validation_error(error, body).detail


def to_record(event: EngagementEvent, channel: str | None = None) -> Record:
    """What is sent for an event: judged by the rules that the worker applies, so that it will not be refused.

    Raises:
        InvalidEvent: one line that names the field, or the size, of what the worker would reject.
    """
    chosen = channel_of_type(event.type) if channel is None else channel
    if chosen not in TOPIC_OF_CHANNEL:
        raise InvalidEvent(f"channel: must be one of {', '.join(TOPIC_OF_CHANNEL)}")
    value = _to_json(event)
    decoded = decode(value, channel=chosen, appended_at_ms=time.time_ns() // 1_000_000)
    if isinstance(decoded, Rejection):
        raise InvalidEvent(decoded.detail)
    return Record(chosen, decoded.key.encode(), value)


def _to_json(event: EngagementEvent) -> bytes:
    """As given: what was left out stays out. NaN is refused, where other encoders would write null."""
    body = {**event.model_dump(exclude_unset=True), "type": event.type}
    try:
        return _dumps(body)
    except _UNFIT:
        raise InvalidEvent(f"{_unfit_field(body)}: JSON cannot express it") from None


def _dumps(value: object) -> bytes:
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=to_jsonable_python
    )
    return text.encode()


def _unfit_field(body: dict[str, Any]) -> str:
    """The name of the first field that JSON cannot express, of properties the first of them."""
    properties = body.get("properties")
    if isinstance(properties, dict):
        body = {**body, "properties": None, **{f"properties.{name}": properties[name] for name in properties}}
    return next(name for name, value in body.items() if not _is_fit(name, value))


def _is_fit(name: str, value: object) -> bool:
    try:
        _dumps({name: value})
    except _UNFIT:
        return False
    return True


def _now() -> datetime:
    return datetime.now(timezone.utc)
