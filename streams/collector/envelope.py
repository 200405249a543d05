"""A body's JSON, opened as far as needed to tell messages apart: each stays the bytes that were sent."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from schemas.events import MAX_VALUE_BYTES
from schemas.rejections import Rejection, RejectReason
from streams.collector.answers import malformed

MAX_MESSAGES: Final = 2500
"""Of a batch; Segment's limit, too."""
_LONE_HIGH: Final = rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
_LONE_LOW: Final = rb"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_SURROGATE: Final = re.compile(_LONE_HIGH + b"|" + _LONE_LOW)


class Envelope(msgspec.Struct):
    """What surrounds messages, or a single message's own fields of the same names."""

    batch: list[msgspec.Raw] | None = None
    writeKey: Any = None  # noqa: N815 - Segment's names
    sentAt: Any = None  # noqa: N815
    context: Any = None


class _Single(msgspec.Struct):
    writeKey: Any = None  # noqa: N815


_decode_batch: Final = msgspec.json.Decoder(Envelope).decode
_decode_single: Final = msgspec.json.Decoder(_Single).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode: Final = msgspec.json.Decoder().decode


def open_batch(body: bytes) -> tuple[Envelope, list[bytes]]:
    """The envelope of a batch, and its messages.

    Raises:
        Refused: 400, the body is not a JSON object with an array `batch` of 1 to `MAX_MESSAGES` messages.
    """
    envelope = _opened(_decode_batch, body)
    if envelope.batch is None:
        raise malformed("malformed", "batch: required, an array of messages")
    return envelope, _counted(envelope.batch)


def open_single(body: bytes) -> tuple[Envelope, list[bytes]]:
    """The write key of a single message, and the message itself.

    Raises:
        Refused: 400, the body is not a JSON object.
    """
    return Envelope(writeKey=_opened(_decode_single, body).writeKey), [body]


def open_list(body: bytes) -> list[bytes]:
    """The elements of an array.

    Raises:
        Refused: 400, the body is not a JSON array of 1 to `MAX_MESSAGES` elements.
    """
    return _counted(_opened(_decode_list, body))


def _counted(messages: list[msgspec.Raw]) -> list[bytes]:
    if not 1 <= len(messages) <= MAX_MESSAGES:
        raise malformed("malformed", f"{len(messages)} messages; a batch holds 1 to {MAX_MESSAGES}")
    return [bytes(message) for message in messages]


def _opened(decode: Any, body: bytes) -> Any:
    try:
        return _mending(decode, body)
    except msgspec.ValidationError as error:
        raise malformed("malformed", str(error)) from None
    except (ValueError, RecursionError) as error:
        raise malformed("not_json", _why_not_json(error)) from None


def read_message(raw: bytes) -> dict[str, Any] | Rejection:
    """One message's object, or why it is none; at most 32 KiB. A half of a surrogate pair becomes U+FFFD."""
    if len(raw) > MAX_VALUE_BYTES:
        return Rejection(RejectReason.TOO_LARGE, f"{len(raw)} bytes, at most {MAX_VALUE_BYTES}")
    try:
        message = _mending(_decode, raw)
    except msgspec.ValidationError:
        return Rejection(RejectReason.INVALID_FIELD, "a number is too large for 64 bits")
    except UnicodeDecodeError:
        return Rejection(RejectReason.NOT_UTF8, "not UTF-8")
    except (ValueError, RecursionError) as error:
        return Rejection(RejectReason.NOT_JSON, _why_not_json(error))
    if not isinstance(message, dict):
        return Rejection(RejectReason.NOT_JSON, "the message is not an object")
    return message


def _mending(decode: Any, raw: bytes) -> Any:
    try:
        return decode(raw)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Browsers cut texts between the halves of an emoji; events are not lost for that.
        mended = _LONE_SURROGATE.sub(rb"\\ufffd", raw)
        if mended == raw:
            raise
        return decode(mended)


def _why_not_json(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    # msgspec's messages name a position, not the content.
    return "nested too deep" if isinstance(error, RecursionError) else f"the body is not JSON: {error}"
