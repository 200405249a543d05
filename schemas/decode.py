"""Bytes → Event | Rejection. Pure, and never raises, whatever the bytes.

The order of the checks is part of the contract, because a record gets one reason: null, size, UTF-8, JSON,
fields, identity, time. Everything depends on the record alone, so a replay decides alike.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson
from pydantic import ValidationError

from schemas.events import MAX_VALUE_BYTES, MODEL_OF_TYPE, CustomEvent, EngagementEvent, is_engagement
from schemas.fields import ANONYMOUS_PREFIX, INT64_MAX, INT64_MIN
from schemas.rejections import NO_IDENTITY, Rejection, RejectReason, from_validation_error
from schemas.structs import Envelope, read_valid
from schemas.wire import wire_validator

MAX_AHEAD_MS: Final = 24 * 60 * 60 * 1000
"""How far `occurred_at` may lie ahead of the record's append time."""

MAX_DEPTH: Final = 254
"""How many objects and arrays may lie within each other in `properties`: as deep as orjson promises to
write, and far below what the parser can read, because that depends on the call stack."""

TEXT_KEYS: Final = ("text", "message", "body", "message_body", "content")
"""Keys of `message_sent` that would hold the text of a message. They are not stored."""

# msgspec rather than orjson parses: it keeps integers beyond 64 bits exact instead of making floats of them.
_parse: Final = msgspec.json.Decoder().decode
_VALIDATORS: Final = {name: wire_validator(model) for name, model in MODEL_OF_TYPE.items()}
_validate_custom: Final = wire_validator(CustomEvent)
_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} levels deep"
_TOO_FAR_AHEAD: Final = "occurred_at: more than 24 h ahead of the record's append time"
_CLAIMING: Final = ("identify", "alias")
_ENVELOPE: Final = frozenset(EngagementEvent.model_fields) | {"properties"}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One valid event. Absent texts are ''. Up to `extra_json` the fields are columns of `rows.EventRow`."""

    event_id: str
    customer: str
    """The id that is stored: customer_id, or `anon:` + anonymous_id."""
    anonymous_id: str
    channel: str
    type: str
    occurred_at_ms: int
    session_id: str
    source: str
    properties_json: str
    """As sent, unknown keys and nulls included, without the text of a message."""
    extra_json: str
    """A JSON object of further top-level keys, '' when there are none."""
    is_anonymous: bool
    key: str
    """customer_id or else anonymous_id: the record key that the partition is computed from."""
    is_engagement: bool
    order_id: str
    """Of an `order_completed`, else ''."""
    claims: str
    """The anonymous id, as stored, of which this event says that it is the customer's; else ''."""

    @property
    def moment(self) -> tuple[int, str]:
        """(occurred_at in ms, event id): what a customer's events are ordered by."""
        return self.occurred_at_ms, self.event_id

    @property
    def properties(self) -> dict[str, Any]:
        """`properties_json`, parsed anew: kept for every event of a flush it would be most of its memory."""
        properties: dict[str, Any] = orjson.loads(self.properties_json)
        return properties


class _RejectedError(Exception):
    def __init__(self, reason: RejectReason, detail: str) -> None:
        self.rejection = Rejection(reason, detail)


def decode(value: bytes | None, *, channel: str, appended_at_ms: int) -> Event | Rejection:
    """Decode one record's value; `appended_at_ms` is the broker's append time (milliseconds since 1970)."""
    if value is None:
        return Rejection(RejectReason.NULL_VALUE, "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        return Rejection(RejectReason.TOO_LARGE, f"{len(value)} bytes, at most {MAX_VALUE_BYTES}")
    try:
        envelope = read_valid(value)
        if envelope is not None:
            return _event(envelope, {}, channel, appended_at_ms)
        return _event_of_any(value, channel, appended_at_ms)
    except _RejectedError as rejected:
        return rejected.rejection


def _event_of_any(value: bytes, channel: str, appended_at_ms: int) -> Event | Rejection:
    """The long way, for all that `read_valid` leaves: parse the whole, have pydantic validate it."""
    try:
        body = _parse(value)
    except (ValueError, RecursionError) as error:
        return _unreadable(value, error)
    if type(body) is not dict:
        return Rejection(RejectReason.NOT_JSON, "the top level is not an object")
    if body.get("properties") is None:
        body["properties"] = {}
    event_type = body.get("type")
    validate = _VALIDATORS.get(event_type, _validate_custom) if type(event_type) is str else _validate_custom
    try:
        known = validate(body)
    except ValidationError as error:
        # The depth comes first, so that the reason is the same where the parser itself gave up.
        if _is_too_deep(body):
            return Rejection(RejectReason.NOT_JSON, _TOO_DEEP)
        return from_validation_error(error, body)
    # Undeclared keys are not in `known`, so a difference in size tells of them.
    extra = _further_keys(body) if len(body) != len(known) else {}
    return _event(Envelope(**known | {"properties": body["properties"]}), extra, channel, appended_at_ms)


def _event(envelope: Any, extra: dict[str, Any], channel: str, appended_at_ms: int) -> Event:
    """The event of an `Envelope` and further keys; raises _RejectedError for what no single field tells."""
    event_type, occurred_at_ms, properties = envelope.type, envelope.occurred_at, envelope.properties
    customer_id, anonymous_id = envelope.customer_id, envelope.anonymous_id
    if event_type == "message_sent":
        properties = _without_text(properties)
    properties_json = _to_json(properties, "properties")
    extra_json = _to_json(extra, "") if extra else ""
    key = customer_id or anonymous_id
    if key is None:
        raise _RejectedError(RejectReason.NO_IDENTITY, NO_IDENTITY)
    if occurred_at_ms > appended_at_ms + MAX_AHEAD_MS:
        raise _RejectedError(RejectReason.FUTURE_TIMESTAMP, _TOO_FAR_AHEAD)
    return Event(
        envelope.event_id,
        customer_id or ANONYMOUS_PREFIX + key,
        anonymous_id or "",
        channel,
        event_type,
        occurred_at_ms,
        envelope.session_id or "",
        envelope.source or "",
        properties_json,
        extra_json,
        customer_id is None,
        key,
        is_engagement(event_type, properties),
        properties["order_id"] if event_type == "order_completed" else "",
        _claimed(event_type, anonymous_id, properties) if customer_id and event_type in _CLAIMING else "",
    )


def _claimed(event_type: str, anonymous_id: str | None, properties: dict[str, Any]) -> str:
    """Metrics, Terms (customer): `identify` with both ids, or `alias`, claims the anonymous id."""
    claimed = anonymous_id if event_type == "identify" else properties["previous_id"]
    return ANONYMOUS_PREFIX + claimed if claimed else ""


def _further_keys(body: dict[str, Any]) -> dict[str, Any]:
    dropped = TEXT_KEYS if body["type"] == "message_sent" else ()
    return {key: value for key, value in body.items() if key not in _ENVELOPE and key not in dropped}


def _without_text(properties: dict[str, Any]) -> dict[str, Any]:
    texts = [properties[key] for key in TEXT_KEYS if key in properties]
    if not texts:
        return properties
    kept = {key: value for key, value in properties.items() if key not in TEXT_KEYS}
    text = next((text for text in texts if isinstance(text, str)), None)
    if kept.get("text_length") is None and text is not None:
        kept["text_length"] = len(text)
    return kept


def _to_json(value: dict[str, Any], name: str) -> str:
    try:
        # Fails on integers above 53 bits and on depth, at no cost; the exact checks run only then.
        return orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER).decode()
    except TypeError:
        if _is_too_deep(value):
            raise _RejectedError(RejectReason.NOT_JSON, _TOO_DEEP) from None
        _check_integers(value, name)
        return orjson.dumps(value).decode()


def _check_integers(value: dict[str, Any], name: str) -> None:
    waiting: list[tuple[str, Any]] = [(name, value)]
    while waiting:
        path, current = waiting.pop()
        if type(current) is dict:
            waiting += [(f"{path}.{_safe(key)}".lstrip("."), item) for key, item in current.items()]
        elif type(current) is list:
            waiting += [(path, item) for item in current]
        elif type(current) is int and not INT64_MIN <= current <= INT64_MAX:
            raise _RejectedError(RejectReason.INVALID_FIELD, f"{path}: an integer must fit 64 bits")


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if type(child) in (dict, list)]
        if not level:
            return False
    return True


def _children(node: Any) -> Any:
    return node.values() if type(node) is dict else node if type(node) is list else ()


def _safe(key: str) -> str:
    """A key that looks like a name; anything else could be data, such as an e-mail address."""
    return key if len(key) <= 64 and key.isascii() and key.isidentifier() else "?"


def _unreadable(value: bytes, error: Exception) -> Rejection:
    try:
        value.decode()
    except UnicodeDecodeError as not_utf8:
        return Rejection(RejectReason.NOT_UTF8, f"byte {not_utf8.start} is not UTF-8")
    if isinstance(error, msgspec.ValidationError):
        return Rejection(RejectReason.INVALID_FIELD, "a number is too large for 64 bits")
    if isinstance(error, RecursionError):
        return Rejection(RejectReason.NOT_JSON, _TOO_DEEP)
    return Rejection(RejectReason.NOT_JSON, str(error))
