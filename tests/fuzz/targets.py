"""What is fuzzed: functions of bytes that return when all is well, and raise if not.

They are pure: the same bytes always do the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import orjson

from schemas.decode import Event, decode
from schemas.events import MAX_VALUE_BYTES
from schemas.fields import ANONYMOUS_PREFIX
from schemas.rejections import Rejection, RejectReason
from tests.fuzz.front import fuzz_front_request

CORPUS: Final = Path(__file__).parent / "corpus"
MAX_INPUT_BYTES: Final = 4096
APPENDED_AT_MS: Final = 1_795_323_605_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Finding(AssertionError):
    """An answer that breaks the contract."""


def fuzz_decode(data: bytes) -> None:
    """`decode` answers with a one-line rejection or an event that says the same when it is sent again."""
    answer = decode(data, channel="chat", appended_at_ms=APPENDED_AT_MS)
    with patch("schemas.decode.read_valid", return_value=None):
        thorough = decode(data, channel="chat", appended_at_ms=APPENDED_AT_MS)
    _check(thorough == answer, "structs read what pydantic reads")
    if isinstance(answer, Rejection):
        _check(type(answer.reason) is RejectReason, "the reason is of the enum")
        _check(answer.detail.isprintable() and 0 < len(answer.detail) < 500, "the detail is one short line")
        return
    _check(isinstance(answer, Event), "nothing but events and rejections")
    _check_event(answer)
    value = encode_again(answer)
    again = decode(value, channel="chat", appended_at_ms=APPENDED_AT_MS)
    too_large = len(value) > MAX_VALUE_BYTES
    _check(again == answer or too_large, "an event comes back as it was when it is sent again")


def _check_event(event: Event) -> None:
    for text in (event.event_id, event.key, event.anonymous_id, event.session_id, event.source):
        text.encode()
    _check(0 < len(event.event_id) <= 64 and 0 < len(event.key) <= 128, "ids have their length")
    stored = ANONYMOUS_PREFIX + event.key if event.is_anonymous else event.key
    _check(event.customer == stored, "the stored id follows from the key")
    _check(event.is_anonymous == event.customer.startswith(ANONYMOUS_PREFIX), "anon: marks anonymous ids")
    _check(orjson.loads(event.properties_json) == event.properties, "the properties' text is their JSON")
    _check(not event.extra_json or bool(orjson.loads(event.extra_json)), "extra is an object or nothing")


def encode_again(event: Event) -> bytes:
    """The value of a record that says what `event` says."""
    occurred_at = _EPOCH + timedelta(milliseconds=event.occurred_at_ms)
    body: dict[str, Any] = {
        **orjson.loads(event.extra_json or "{}"),
        "event_id": event.event_id,
        "type": event.type,
        "occurred_at": occurred_at.isoformat(timespec="milliseconds"),
        "customer_id": None if event.is_anonymous else event.key,
        "anonymous_id": event.anonymous_id or None,
        "session_id": event.session_id,
        "source": event.source,
    }
    # The properties as text, because orjson writes no level more than they may have.
    return orjson.dumps(body)[:-1] + f',"properties":{event.properties_json}}}'.encode()


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise Finding(f"broken: {what}")


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "decode": fuzz_decode,
    "front": fuzz_front_request,
}


def seeds(target: str) -> list[bytes]:
    """The corpus of a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]
