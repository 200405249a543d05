"""Remembers the time that was given to a message, so that every attempt to send it gets the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

REMEMBERED_MS: Final = 24 * 60 * 60 * 1000
MAX_MESSAGES: Final = 1_000_000
"""About 100 MiB. Beyond it the oldest half is forgotten early."""


class SeenTimes:
    """Message → the time it was given, for 24 to 48 hours and for at most `max_messages`.

    Two generations: the younger one fills, and takes the place of the elder after 24 h or when it holds half
    of what is allowed. Only 64 bits of a message's name are kept, under Python's keyed hash.
    """

    def __init__(self, max_messages: int = MAX_MESSAGES) -> None:
        self._half = max(1, max_messages // 2)
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._since_ms: int | None = None

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def time_given(self, message: Hashable, at_ms: int, now_ms: int) -> int:
        """The time given to this message before, or else `at_ms`, which is from now on the one."""
        if self._since_ms is None:
            self._since_ms = now_ms
        elif now_ms - self._since_ms >= REMEMBERED_MS or len(self._young) >= self._half:
            aged = now_ms - self._since_ms >= 2 * REMEMBERED_MS
            self._old, self._young, self._since_ms = {} if aged else self._young, {}, now_ms
        name = hash(message)
        known = self._young.get(name)
        if known is None:
            known = self._old.get(name, at_ms)
            # Also what the elder generation knows: an attempt shows that the message is still on its way.
            self._young[name] = known
        return known
