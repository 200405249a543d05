"""One record per reason to reject, for demonstrations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import orjson

from schemas.events import MAX_VALUE_BYTES
from schemas.rejections import RejectReason
from schemas.topics import WEBSITE
from streams.ops.outgoing import Outgoing


def bad_records(run_id: str, now: datetime) -> list[tuple[RejectReason, Outgoing]]:
    """Records that `decode` rejects, each with its reason; `not_storable` cannot be made at will."""
    too_far = now + timedelta(days=2)
    values: dict[RejectReason, bytes | None] = {
        RejectReason.NOT_UTF8: b'{"event_id": "\xff"}',
        RejectReason.NOT_JSON: b'{"event_id": "cut off',
        RejectReason.TOO_LARGE: _value(run_id, now, source="x" * MAX_VALUE_BYTES),
        RejectReason.MISSING_FIELD: _value(run_id, now, properties={}),
        RejectReason.INVALID_FIELD: _value(run_id, now, properties={"url": 7}),
        RejectReason.NO_IDENTITY: _value(run_id, now, customer_id=None),
        RejectReason.FUTURE_TIMESTAMP: _value(run_id, too_far),
        RejectReason.NULL_VALUE: None,
    }
    key = f"bad-{run_id}".encode()
    return [(reason, Outgoing(WEBSITE, key, value)) for reason, value in values.items()]


def _value(run_id: str, occurred_at: datetime, **changes: Any) -> bytes:
    event = {
        "event_id": f"bad-{run_id}",
        "type": "page_viewed",
        "occurred_at": occurred_at.isoformat(timespec="milliseconds"),
        "customer_id": f"bad-{run_id}",
        "properties": {"url": "https://shop.example/"},
    }
    return orjson.dumps({**event, **changes})
