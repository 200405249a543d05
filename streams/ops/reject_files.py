"""Rejected records as a file for editing: one JSON object per line.

`source_topic`, `source_partition` and `source_offset` say which record it is, `reason` and `detail` what was
wrong with it, and `value` is what it said: the event as an object where it is JSON, else its text. A value
that is not UTF-8 is in `value_base64`; one that is not stored whole (above 1 MiB) is null.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from schemas.topics import CHANNEL_OF_TOPIC
from streams.errors import EngageError
from streams.ops.rejects import Coordinates, Repaired, Stored


def _source_topic(topic: str) -> str:
    if topic not in CHANNEL_OF_TOPIC:
        raise ValueError(f"must be one of {', '.join(CHANNEL_OF_TOPIC)}")
    return topic


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    source_topic: Annotated[str, AfterValidator(_source_topic)]
    source_partition: int = Field(ge=0, lt=2**32)
    source_offset: int = Field(ge=0, lt=2**64)
    value: dict[str, Any] | str | None = None
    value_base64: str | None = None


def to_line(record: Stored) -> bytes:
    """A line of the file, without its end."""
    line = {
        "source_topic": record.coordinates.topic,
        "source_partition": record.coordinates.partition,
        "source_offset": record.coordinates.offset,
        "reason": record.reason,
        "detail": record.detail,
        **_readable(record.value),
    }
    return json.dumps(line, ensure_ascii=False).encode()


def from_lines(lines: Iterable[bytes]) -> Iterator[Repaired]:
    """Read a file that `to_line` wrote and a person edited; empty lines are left out.

    Raises:
        EngageError: a line is not of this form; the message says which.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _repaired(_Line.model_validate(json.loads(line)))
        except ValidationError as error:
            raise EngageError(f"line {number}: {_problem(error)}") from None
        except (ValueError, RecursionError):
            raise EngageError(f"line {number}: not a line of `engage rejected export`") from None


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    field = first["loc"][0] if first["loc"] else "the line"
    if field == "value":
        return "value: must be an object, a text or null"
    return f"{field}: {first['msg'].removeprefix('Value error, ')}"


def _readable(value: bytes | None) -> dict[str, Any]:
    if value is None:
        return {"value": None}
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
    try:
        parsed = json.loads(text, parse_constant=_no_constant)
        # What cannot be written again as it was, such as 1e999, stays text.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return {"value": text}
    return {"value": parsed if isinstance(parsed, dict) else text}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _repaired(line: _Line) -> Repaired:
    coordinates = Coordinates(line.source_topic, line.source_partition, line.source_offset)
    if line.value_base64 is not None:
        try:
            return Repaired(coordinates, base64.b64decode(line.value_base64, validate=True))
        except binascii.Error as error:
            raise ValueError("value_base64") from error
    if line.value is None:
        return Repaired(coordinates, None)
    text = line.value
    if isinstance(text, dict):
        text = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
    return Repaired(coordinates, text.encode("utf-8", "surrogatepass"))
