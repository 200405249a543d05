"""When an event happened, by a clock that may be wrong. Pure; all instants are milliseconds since 1970.

`sentAt` is set anew on every attempt, so `receivedAt − sentAt` differs between attempts by what the network
took. It is used only where it shows a wrong clock (more than five minutes), and only in steps of that size.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

from schemas.fields import epoch_ms

STEP_MS: Final = 5 * 60 * 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST_MS: Final = (datetime(9999, 12, 31, tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND


def instant_ms(value: object) -> int | None:
    """An ISO 8601 text as instant, UTC where it names no zone; None for anything else."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        return epoch_ms(value)
    except ValueError:
        return _lenient_ms(value)


def _lenient_ms(text: str) -> int | None:
    try:
        # Python 3.10 does not know the Z.
        at = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError:
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=timezone.utc)
    try:
        return (aware - _EPOCH) // _MILLISECOND
    except OverflowError:
        return None


def correction_ms(sent_at_ms: int | None, received_at_ms: int) -> int:
    """What to add to the times of a sender's clock: 0, or whole steps if it is wrong by more than one."""
    if sent_at_ms is None:
        return 0
    skew_ms = received_at_ms - sent_at_ms
    if abs(skew_ms) <= STEP_MS:
        return 0
    steps = (abs(skew_ms) + STEP_MS // 2) // STEP_MS
    return steps * STEP_MS if skew_ms > 0 else -steps * STEP_MS


def to_text(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds; an instant outside 1970 to 9999 becomes the nearest one."""
    at = _EPOCH + min(max(at_ms, 0), _LAST_MS) * _MILLISECOND
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
