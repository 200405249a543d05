"""The kinds of value that event fields have: identifiers, integers, currency codes, instants."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Final

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
ANONYMOUS_PREFIX: Final = "anon:"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)
_EARLIEST_MS: Final = (datetime(1990, 1, 1, tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MINUTE = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_CLOCK}"
_SECOND = r":[0-5][0-9]"
_FRACTION_AND_ZONE = rf"(?:\.([0-9]+))?(?:[Zz]|([+-])({_CLOCK}))"
_INSTANT = _MINUTE + _SECOND + _FRACTION_AND_ZONE
_MINUTE_RE: Final = re.compile(_MINUTE)
_SECOND_MS: Final = {f":{second:02}": second * 1000 for second in range(60)}
_FRACTION_AND_ZONE_RE: Final = re.compile(_FRACTION_AND_ZONE)
_NOT_AN_INSTANT: Final = (
    "must be RFC 3339 text with a zone, from 1990 on, such as 2026-11-22T05:00:01.123Z (no leap second)"
)


def epoch_ms(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 instant; finer fractions are cut off.

    Raises ValueError for any other text, a leap second, and instants before 1990. Years up to 9999 pass.
    """
    rest = text[19:]
    # The parts of an instant repeat from event to event, so they come from caches.
    # A long fraction is legal, but must not fill the cache's memory.
    rest_ms = _rest_ms(rest) if len(rest) <= 16 else _rest_ms.__wrapped__(rest)
    second_ms = _SECOND_MS.get(text[16:19])
    if second_ms is None:
        raise ValueError(_NOT_AN_INSTANT)
    instant_ms = _minute_ms(text[:16]) + second_ms + rest_ms
    if instant_ms < _EARLIEST_MS:
        raise ValueError(_NOT_AN_INSTANT)
    return instant_ms


@lru_cache(maxsize=4096)
def _minute_ms(text: str) -> int:
    try:
        if _MINUTE_RE.fullmatch(text):
            return (datetime.fromisoformat(text + ":00+00:00") - _EPOCH) // _MILLISECOND
    except ValueError:  # 30 February, year 0
        pass
    raise ValueError(_NOT_AN_INSTANT)


@lru_cache(maxsize=4096)
def _rest_ms(text: str) -> int:
    """The fraction of the second minus the zone's offset, both in milliseconds."""
    match = _FRACTION_AND_ZONE_RE.fullmatch(text)
    if match is None:
        raise ValueError(_NOT_AN_INSTANT)
    fraction, sign, offset = match.groups(default="")
    fraction_ms = int((fraction + "000")[:3])
    if not sign:
        return fraction_ms
    offset_ms = (int(offset[:2]) * 60 + int(offset[3:])) * 60_000
    return fraction_ms + (offset_ms if sign == "-" else -offset_ms)


def _to_datetime(value: object) -> datetime:
    """An aware datetime as it is; RFC 3339 text as UTC. Numbers and naive datetimes are refused."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        epoch_ms(_to_rfc3339(value))
        return value
    if not isinstance(value, str):
        raise ValueError(_NOT_AN_INSTANT)
    try:
        return _EPOCH + epoch_ms(value) * _MILLISECOND
    except OverflowError as error:  # the last hours of 9999, west of Greenwich
        raise ValueError(_NOT_AN_INSTANT) from error


def _to_rfc3339(value: datetime) -> str:
    return value.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _not_reserved(customer_id: str) -> str:
    """`anon:<id>` is how an anonymous id is stored; a customer id of that shape could not be told from it."""
    if customer_id.startswith(ANONYMOUS_PREFIX):
        raise ValueError(f"must not begin with {ANONYMOUS_PREFIX}, which marks stored anonymous ids")
    return customer_id


Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
Count = Annotated[int, Field(ge=0, le=INT64_MAX)]
AmountMinor = Annotated[
    int, Field(ge=0, le=INT64_MAX, description="Money in the currency's minor unit: 1250 is 12.50 EUR")
]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217 code, such as EUR")]
Text = Annotated[str, Field(min_length=1)]
EventId = Annotated[str, Field(min_length=1, max_length=64)]
AnyCustomerId = Annotated[str, Field(min_length=1, max_length=128)]
CustomerId = Annotated[
    AnyCustomerId,
    AfterValidator(_not_reserved),
    Field(json_schema_extra={"not": {"pattern": f"^{ANONYMOUS_PREFIX}"}}),
]
EventType = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,63}$")]
OccurredAt = Annotated[
    datetime,
    PlainValidator(_to_datetime),
    PlainSerializer(_to_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_INSTANT}$"}),
]
# What `decode` reads instead of a datetime: the same rule, one object fewer.
OccurredAtMs = Annotated[str, AfterValidator(epoch_ms)]
