"""The events that Kafka has not acknowledged yet, and those that it never will."""

from __future__ import annotations

import threading
from itertools import count

from schemas.events import EngagementEvent
from streams.producer.errors import Undelivered


class Pending:
    """At most `most` events wait here; the failed ones stay until they are taken. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._numbers = count()
        self._waiting: dict[int, tuple[EngagementEvent, str]] = {}
        self._failed: dict[int, Undelivered] = {}

    def reserve(self, event: EngagementEvent, channel: str, timeout_seconds: float) -> int | None:
        """The event's number, as soon as there is room; None if there is none within `timeout_seconds`."""
        with self._changed:
            if not self._changed.wait_for(self._has_room, timeout_seconds):
                return None
            number = next(self._numbers)
            self._waiting[number] = (event, channel)
            return number

    def _has_room(self) -> bool:
        return len(self._waiting) < self._most

    def settle(self, number: int) -> None:
        """The event has arrived, or was not taken after all."""
        with self._changed:
            self._waiting.pop(number, None)
            self._changed.notify_all()

    def fail(self, number: int, reason: str) -> Undelivered:
        """The event will not arrive."""
        with self._changed:
            failed = Undelivered(*self._waiting.pop(number), reason)
            self._failed[number] = failed
            self._changed.notify_all()
            return failed

    def take_failed(self) -> list[Undelivered]:
        """The events that have failed since the last call, in the order in which they were sent."""
        with self._changed:
            return self._take({})

    def take_undelivered(self, timeout_seconds: float, reason: str) -> list[Undelivered]:
        """Wait until nothing waits any more; then what failed, and with `reason` what waits all the same.

        The latter goes on waiting: it may still arrive, or fail.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, timeout_seconds)
            return self._take({number: Undelivered(*what, reason) for number, what in self._waiting.items()})

    def _take(self, waiting: dict[int, Undelivered]) -> list[Undelivered]:
        undelivered = sorted({**waiting, **self._failed}.items())
        self._failed = {}
        return [failed for _, failed in undelivered]
