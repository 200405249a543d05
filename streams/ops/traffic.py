"""Made-up live traffic of website, chat and purchase events. Pure: the seed and the times determine it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from streams.ops.outgoing import Outgoing, to_outgoing
from streams.ops.visits import PlacedOrder, Step, Visitor, refund, shop_visit, support_visit

_VISITS_AT_A_TIME: Final = 40
_ANONYMOUS_SHARE: Final = 0.35
_SUPPORT_SHARE: Final = 0.12
_REFUND_SHARE: Final = 0.04
_REFUNDABLE_ORDERS: Final = 500


@dataclass
class _Visit:
    visitor: Visitor
    steps: Iterator[Step]


class Traffic:
    """An endless stream of events from visits that go on side by side.

    Few customers visit often and many rarely (a power law), about a third of the visits begin anonymously,
    and every tenth customer pays in USD.

    Args:
        seed: equal seeds and equal times give equal events.
        customers: how many known customers there are.
        started_at: when this traffic begins; it is part of every id, so that another run repeats none.
    """

    def __init__(self, *, seed: int, customers: int, started_at: datetime) -> None:
        self._chance = Random(seed)  # noqa: S311 - not for secrets
        self._customers = customers
        self.run_id = f"g{seed}-{int(started_at.timestamp() * 1000):x}"
        """What all event ids of this run begin with."""
        self._events = 0
        self._visitors = 0
        self._refundable: deque[PlacedOrder] = deque(maxlen=_REFUNDABLE_ORDERS)
        self._visits = [self._next_visit() for _ in range(_VISITS_AT_A_TIME)]

    def next(self, now: datetime) -> Outgoing:
        """The next event, which occurs at `now`."""
        while True:
            place = self._chance.randrange(len(self._visits))
            visit = self._visits[place]
            step = next(visit.steps, None)
            if step is not None:
                return self._event(visit.visitor, step, now)
            self._refundable.extend(visit.visitor.placed)
            self._visits[place] = self._next_visit()

    def _event(self, visitor: Visitor, step: Step, now: datetime) -> Outgoing:
        self._events += 1
        return to_outgoing(
            step.channel,
            {
                "event_id": f"{self.run_id}-{self._events}",
                "type": step.type,
                "occurred_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "customer_id": visitor.customer_id,
                "anonymous_id": visitor.anonymous_id,
                "session_id": visitor.session_id,
                "source": "engage-generate",
                "properties": step.properties,
            },
        )

    def _next_visit(self) -> _Visit:
        kind = self._chance.random()
        if kind < _REFUND_SHARE and self._refundable:
            order = self._refundable.popleft()
            visitor = self._visitor(order.customer_id, anonymous=False)
            return _Visit(visitor, refund(order, self._chance))
        rank = int(self._customers * self._chance.random() ** 3)
        visitor = self._visitor(f"c-{rank:05}", anonymous=self._chance.random() < _ANONYMOUS_SHARE)
        script = support_visit if kind > 1 - _SUPPORT_SHARE else shop_visit
        return _Visit(visitor, script(visitor, self._chance))

    def _visitor(self, login_id: str, *, anonymous: bool) -> Visitor:
        self._visitors += 1
        place = f"{self.run_id}-{self._visitors}"
        return Visitor(
            session_id=f"s-{place}",
            login_id=login_id,
            customer_id=None if anonymous else login_id,
            anonymous_id=f"a-{place}" if anonymous else None,
            currency="USD" if login_id.endswith("7") else "EUR",
        )
