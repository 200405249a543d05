"""Events to test with: their bodies as a producer sends them, and decoded."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from schemas.decode import Event, decode

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def ms(text: str) -> int:
    """Milliseconds since 1970 of a UTC time, `2026-06-15` or `2026-06-15 12:30` or longer."""
    return (datetime.fromisoformat(text).replace(tzinfo=timezone.utc) - _EPOCH) // timedelta(milliseconds=1)


def day(text: str) -> int:
    """Days since 1970 of a UTC date."""
    return ms(text) // 86_400_000


_PROPERTIES: dict[str, dict[str, Any]] = {
    "page_viewed": {"url": "https://shop.example/"},
    "product_added": {"product_id": "p-1"},
    "conversation_started": {"conversation_id": "v-1"},
    "conversation_ended": {"conversation_id": "v-1"},
    "message_sent": {"conversation_id": "v-1", "author": "customer"},
    "order_completed": {"order_id": "o-1", "total_minor": 1250, "currency": "EUR"},
    "order_refunded": {"order_id": "o-1", "amount_minor": 250, "currency": "EUR"},
    "alias": {"previous_id": "anon-1"},
}


def body(event_type: str, at_ms: int, event_id: str, **changes: Any) -> dict[str, Any]:
    """An event as JSON. `changes` go to the envelope if it has such a key, else to the properties."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    envelope: dict[str, Any] = {
        "event_id": event_id,
        "type": event_type,
        "occurred_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "customer_id": "c-1",
        "anonymous_id": None,
    }
    properties = dict(_PROPERTIES.get(event_type, {}))
    for name, value in changes.items():
        (envelope if name in envelope else properties)[name] = value
    return {**envelope, "properties": properties}


def decoded(sent: dict[str, Any], channel: str) -> Event:
    """The event that `decode` makes of a body."""
    event = decode(orjson.dumps(sent), channel=channel, appended_at_ms=2**50)
    assert isinstance(event, Event), event
    return event


def event(event_type: str, at: str, event_id: str = "e-1", channel: str = "website", **changes: Any) -> Event:
    """A decoded event; see `body`."""
    return decoded(body(event_type, ms(at), event_id, **changes), channel)
