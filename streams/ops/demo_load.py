"""What the demonstration sends: traffic, some of it twice, and now and then a record that is no event."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Final

from streams.ops.bad_records import bad_records
from streams.ops.outgoing import Outgoing
from streams.ops.traffic import Traffic

_CUSTOMERS: Final = 500
_DUPLICATE_SHARE: Final = 0.03
_BAD_SHARE: Final = 0.004
_REMEMBERED: Final = 1_000


@dataclass
class Tally:
    """What was handed out: distinct events, second deliveries, and bad records by their reason."""

    distinct: int = 0
    duplicates: int = 0
    bad: Counter[str] = field(default_factory=Counter)


class DemoLoad:
    """An endless stream of records, determined by the seed and the times.

    Bad records take turns in their reasons. All event ids, and the keys of bad records, hold `run_id`.
    """

    def __init__(self, *, seed: int, started_at: datetime) -> None:
        self._traffic = Traffic(seed=seed, customers=_CUSTOMERS, started_at=started_at)
        self._chance = Random(seed)  # noqa: S311 - not for secrets
        self._earlier: deque[Outgoing] = deque(maxlen=_REMEMBERED)
        self.run_id = self._traffic.run_id
        self.tally = Tally()

    def next(self, now: datetime) -> Outgoing:
        """The next record; what occurs in it occurs at `now`."""
        kind = self._chance.random()
        if kind < _BAD_SHARE:
            return self._bad(now)
        if kind < _BAD_SHARE + _DUPLICATE_SHARE and self._earlier:
            self.tally.duplicates += 1
            return self._chance.choice(self._earlier)
        self.tally.distinct += 1
        self._earlier.append(self._traffic.next(now))
        return self._earlier[-1]

    def _bad(self, now: datetime) -> Outgoing:
        records = bad_records(self.run_id, now)
        reason, record = records[self.tally.bad.total() % len(records)]
        self.tally.bad[reason.value] += 1
        return record
