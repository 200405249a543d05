"""How many events a write key may send: a token bucket and a daily quota. Pure: `now` is an argument."""

from __future__ import annotations

from typing import Final, NamedTuple

from streams.collector.answers import Refused

_DAY_SECONDS: Final = 24 * 60 * 60


class Allowance(NamedTuple):
    """Limits of one key; None is no limit. `burst`: what may come at once, by default ten seconds' worth."""

    events_per_second: float | None = None
    burst: int | None = None
    events_per_day: int | None = None

    @property
    def capacity(self) -> float:
        rate = self.events_per_second or 0.0
        return float(self.burst) if self.burst is not None else max(1.0, 10 * rate)


class Usage(NamedTuple):
    """What a key has used: tokens left at an instant, and events of a UTC day (days since 1970)."""

    tokens: float
    at_seconds: float
    day: int = 0
    events_today: int = 0


class Decision(NamedTuple):
    """The new usage, and None or the seconds after which the same request may be granted."""

    usage: Usage
    retry_after_seconds: float | None


def unused(allowance: Allowance, now_seconds: float) -> Usage:
    return Usage(allowance.capacity, now_seconds, int(now_seconds // _DAY_SECONDS))


def spend(allowance: Allowance, usage: Usage, events: int, now_seconds: float) -> Decision:
    """Grant `events` at once or none of them.

    More than the burst is granted to a full bucket, which is then in debt: a batch cannot be split here. In
    the same way a quota's last batch may exceed it.
    """
    usage = _refilled(allowance, usage, now_seconds)
    if allowance.events_per_day is not None and usage.events_today >= allowance.events_per_day:
        return Decision(usage, (usage.day + 1) * _DAY_SECONDS - now_seconds)
    tokens = usage.tokens
    if allowance.events_per_second is not None:
        missing = min(float(events), allowance.capacity) - tokens
        if missing > 0:
            return Decision(usage, missing / allowance.events_per_second)
        tokens -= events
    return Decision(usage._replace(tokens=tokens, events_today=usage.events_today + events), None)


def _refilled(allowance: Allowance, usage: Usage, now_seconds: float) -> Usage:
    # A wall clock may be set back; nobody is punished for that.
    passed_seconds = max(0.0, now_seconds - usage.at_seconds)
    tokens = min(allowance.capacity, usage.tokens + passed_seconds * (allowance.events_per_second or 0.0))
    day = int(now_seconds // _DAY_SECONDS)
    events_today = usage.events_today if day == usage.day else 0
    return Usage(tokens, now_seconds, day, events_today)


def refund(usage: Usage, events: int) -> Usage:
    """Give back what was granted and then not delivered."""
    return usage._replace(tokens=usage.tokens + events, events_today=max(0, usage.events_today - events))


class Limiter:
    """The usage of one key, kept in memory: a restart forgets it."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._usage: Usage | None = None

    def spend(self, events: int, now_seconds: float) -> None:
        """Charge the key.

        Raises:
            Refused: 429, its limit is reached.
        """
        usage = self._usage or unused(self._allowance, now_seconds)
        self._usage, retry_after_seconds = spend(self._allowance, usage, events, now_seconds)
        if retry_after_seconds is not None:
            message = "the write key's limit is reached; send later"
            raise Refused(429, "rate_limited", message, retry_after_seconds)

    def refund(self, events: int) -> None:
        if self._usage is not None:
            self._usage = refund(self._usage, events)
