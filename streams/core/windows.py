"""Event-time buckets: five minutes and UTC days, as integers counted from the epoch.

Definitions: metric dictionary, "Rolling engagement windows". A bucket number is an absolute position,
so two workers, a replay and a view agree on it without talking to each other.
"""

from __future__ import annotations

from typing import Final

FIVE_MINUTES_MS: Final = 5 * 60 * 1000
DAY_MS: Final = 24 * 60 * 60 * 1000

#: Day buckets that a customer's state holds, back from the newest event's (90 for the longest window,
#: and a week in which late events need no look at the facts).
DAYS_HELD: Final = 97
#: Five-minute buckets held: 50 hours cover the 24 h window although `occurred_at` may run 24 h ahead.
FIVES_HELD: Final = 50 * 12


def day_of(at_ms: int) -> int:
    """Days from 1970-01-01 to the UTC date of an instant in milliseconds."""
    return at_ms // DAY_MS


def five_of(at_ms: int) -> int:
    """Five-minute buckets from the epoch to the one that holds an instant in milliseconds."""
    return at_ms // FIVE_MINUTES_MS


def oldest_day_held(newest_ms: int) -> int:
    """The first day bucket still in state when the newest event is at `newest_ms`."""
    return day_of(newest_ms) - DAYS_HELD + 1


def oldest_five_held(newest_ms: int) -> int:
    """The first five-minute bucket still in state when the newest event is at `newest_ms`."""
    return five_of(newest_ms) - FIVES_HELD + 1
