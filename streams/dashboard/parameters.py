"""The parameters of a question, from the path and the query string. Those that nobody knows are let pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Final

from streams.dashboard.refusals import Refused

CHANNELS: Final = ("website", "chat", "purchase")
_LONGEST_TEXT: Final = 200
_YEARS: Final = range(1990, 2200)


def chosen(query: Mapping[str, str], name: str, allowed: Sequence[str], default: str) -> str:
    """One of `allowed`; an empty value counts as none.

    Raises:
        Refused: 400, it is another one.
    """
    value = query.get(name) or default
    if value != default and value not in allowed:
        raise Refused(400, f"{name}: must be one of {', '.join(allowed)}")
    return value


def number(query: Mapping[str, str], name: str, lowest: float, highest: float) -> float | None:
    """A number; None without one.

    Raises:
        Refused: 400, it is none, or not within the bounds.
    """
    if not (text := query.get(name, "")):
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not lowest <= value <= highest:
        raise Refused(400, f"{name}: must be a number from {lowest:g} to {highest:g}")
    return value


def whole(query: Mapping[str, str], name: str, lowest: int, highest: int, default: int) -> int:
    """A whole number.

    Raises:
        Refused: 400, it is none, or not within the bounds.
    """
    if not (text := query.get(name, "")):
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and lowest <= int(text) <= highest):
        raise Refused(400, f"{name}: must be a whole number from {lowest} to {highest}")
    return int(text)


def instant(query: Mapping[str, str], name: str) -> str:
    """A time with a zone, as ClickHouse reads it: UTC, to the millisecond.

    Raises:
        Refused: 400, it is none.
    """
    try:
        value = datetime.fromisoformat(query.get(name, "").replace("Z", "+00:00"))
    except ValueError:
        value = None
    if value is None or value.tzinfo is None or value.year not in _YEARS:
        raise Refused(400, f"{name}: must be a time such as 2026-11-22T19:00:00.000Z")
    return value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def text(value: str, name: str) -> str:
    """A text that ClickHouse can be asked for.

    Raises:
        Refused: 400, it is empty, too long or not UTF-8.
    """
    if not 1 <= len(value) <= _LONGEST_TEXT or not _is_utf8(value):
        raise Refused(400, f"{name}: must be 1 to {_LONGEST_TEXT} characters of UTF-8")
    return value


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
