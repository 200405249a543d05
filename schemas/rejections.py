"""Why a record is not an event: a value, never an exception, so that each drop is counted and kept."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

import msgspec
from pydantic import BaseModel, Field, ValidationError


class RejectReason(str, Enum):
    """The reasons in `events.rejected` and `v_rejected_events`. All but NOT_STORABLE come from `decode`."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    NO_IDENTITY = "no_identity"
    FUTURE_TIMESTAMP = "future_timestamp"
    NULL_VALUE = "null_value"
    NOT_STORABLE = "not_storable"


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """A reason and one line for people that names the field. No values of the payload, no personal data."""

    reason: RejectReason
    detail: str


class RejectedHeaders(BaseModel):
    """The headers of a record in `events.rejected`, as UTF-8 text; key and value are the original bytes."""

    reason: RejectReason
    detail: str = Field(description="One line that names the field; never values of the payload")
    source_topic: str
    source_partition: str = Field(pattern="^[0-9]+$")
    source_offset: str = Field(pattern="^[0-9]+$")


NO_IDENTITY: Final = "customer_id, anonymous_id: one of them is required"
_IDENTITY: Final = ("customer_id", "anonymous_id")


def has_no_identity(body: dict[str, Any]) -> bool:
    """True when both ids are absent, null or empty. An id of a wrong type is an invalid field instead."""
    return all(body.get(name) in (None, "") for name in _IDENTITY)


def from_validation_error(error: ValidationError, body: dict[str, Any]) -> Rejection:
    """The most telling problem first: a missing field, then a wrong one, then the missing identity."""
    problems = error.errors(include_url=False, include_context=False)
    if has_no_identity(body):
        problems = [problem for problem in problems if problem["loc"][0] not in _IDENTITY]
    if not problems:
        return Rejection(RejectReason.NO_IDENTITY, NO_IDENTITY)
    missing = [problem for problem in problems if _is_missing(problem)]
    first = (missing or problems)[0]
    field = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if missing:
        return Rejection(RejectReason.MISSING_FIELD, f"{field}: required, but not there{more}")
    return Rejection(RejectReason.INVALID_FIELD, f"{field}: {_message(first)}{more}")


def _is_missing(problem: Any) -> bool:
    # Optional keys may be null, so a null that is refused stands for a required key that was left out.
    return problem["type"] == "missing" or (problem["input"] is None and isinstance(problem["loc"][-1], str))


def _message(problem: Any) -> str:
    # pydantic's messages quote the rule, not the input.
    text: str = problem["msg"]
    return text.removeprefix("Value error, ").removeprefix("Input ")
