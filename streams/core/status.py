"""Churn status of a customer, and its history: a pure function of order times.

Source: metric dictionary, "At risk, before the customer leaves".

    orders   o     o                                o
    days     |-----|----------|--------------|------|------------------|----
    status   active           at_risk        churned won_back          active, at_risk or churned
                   '- 1.5 x expected gap     |      '- 30 days, whatever happens
                   '- 3 x expected gap ------'

Orders change a status at their own instant, silence changes it at a UTC midnight. An order at the very
midnight comes first: silence that ends at an instant has not reached it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final, NamedTuple

from schemas.transitions import ChurnStatus
from streams.core.state import CustomerState
from streams.core.windows import DAY_MS, day_of

AT_RISK_RATIO: Final = 1.5
CHURNED_RATIO: Final = 3.0
WON_BACK_DAYS: Final = 30
#: How many gaps of its own a customer must have to weigh as much as the population gap.
PRIOR_GAPS: Final = 2
DEFAULT_POPULATION_GAP_DAYS: Final = 30.0


class Transition(NamedTuple):
    """A change of status, with what it rests on: silence since the last order, and what was expected."""

    changed_at_ms: int
    from_status: ChurnStatus
    to_status: ChurnStatus
    days_since_order: int
    expected_gap_days: float

    @property
    def overdue_ratio(self) -> float:
        return self.days_since_order / self.expected_gap_days

    @property
    def reason(self) -> str:
        """In words, for people."""
        if self.from_status is ChurnStatus.PROSPECT:
            return "first order"
        waited, expected = f"{self.days_since_order} days", f"expected {self.expected_gap_days:.0f}"
        # Silence ends in at_risk or churned, and only an order leads out of them.
        if self.from_status in (ChurnStatus.AT_RISK, ChurnStatus.CHURNED) and self.to_status in (
            ChurnStatus.ACTIVE,
            ChurnStatus.WON_BACK,
        ):
            return f"order after {waited}, {expected}"
        return f"{waited} since last order, {expected}"


class Purchases(NamedTuple):
    """Purchase days up to some instant; `gaps` is the number of those between them."""

    first_day: int
    last_day: int
    gaps: int

    def with_day(self, day: int) -> Purchases:
        """With an order on a day, which is not before the last."""
        return self if day == self.last_day else Purchases(self.first_day, day, self.gaps + 1)

    def expected_gap_days(self, population_gap_days: float) -> float:
        """The mean of the customer's own gaps, pulled towards the population's while there are few."""
        own = self.last_day - self.first_day
        return (own + PRIOR_GAPS * population_gap_days) / (self.gaps + PRIOR_GAPS)


def status_by_silence(days: int, expected_gap_days: float) -> ChurnStatus:
    """The status of a customer with orders, winning back aside, so many whole days after the last."""
    ratio = days / expected_gap_days
    if ratio >= CHURNED_RATIO:
        return ChurnStatus.CHURNED
    return ChurnStatus.AT_RISK if ratio >= AT_RISK_RATIO else ChurnStatus.ACTIVE


def transitions(order_times_ms: Sequence[int], population_gap_days: float) -> Iterator[Transition]:
    """All changes of status, in order of time, as if no order came after these, which must be sorted.

    Those behind the last order lie in the future as seen from it, and end with `churned`.
    """
    status, purchases, won_back_until = ChurnStatus.PROSPECT, None, 0
    for index, at_ms in enumerate(order_times_ms):
        day = day_of(at_ms)
        if purchases is None:
            waited, expected, purchases = 0, population_gap_days, Purchases(day, day, 0)
        else:
            waited, expected = day - purchases.last_day, purchases.expected_gap_days(population_gap_days)
            purchases = purchases.with_day(day)
        if status is ChurnStatus.CHURNED:
            reached, won_back_until = ChurnStatus.WON_BACK, day + WON_BACK_DAYS
        elif status is ChurnStatus.WON_BACK and day < won_back_until:
            reached = status
        else:
            reached = ChurnStatus.ACTIVE
        if reached is not status:
            yield Transition(at_ms, status, reached, waited, expected)
            status = reached
        next_ms = order_times_ms[index + 1] if index + 1 < len(order_times_ms) else None
        for change in _silence(status, purchases, won_back_until, population_gap_days):
            if next_ms is not None and change.changed_at_ms >= next_ms:
                break
            yield change
            status = change.to_status


def _silence(
    status: ChurnStatus, purchases: Purchases, won_back_until: int, population_gap_days: float
) -> Iterator[Transition]:
    """What happens after an order, if nothing does."""
    expected = purchases.expected_gap_days(population_gap_days)
    last_day = purchases.last_day
    milestones = [
        last_day + _days_until(AT_RISK_RATIO, expected),
        last_day + _days_until(CHURNED_RATIO, expected),
    ]
    if status is ChurnStatus.WON_BACK:
        milestones = sorted({won_back_until, *(day for day in milestones if day > won_back_until)})
    for day in milestones:
        reached = status_by_silence(day - last_day, expected)
        if reached is not status:
            yield Transition(day * DAY_MS, status, reached, day - last_day, expected)
            status = reached


def _days_until(ratio: float, expected_gap_days: float) -> int:
    """The smallest whole number of days that is at least so many times the expected gap.

    By the same division as `status_by_silence`: a product may round to the other side.
    """
    days = max(1, ceil(ratio * expected_gap_days) - 1)
    while days / expected_gap_days < ratio:
        days += 1
    return days


def tell(state: CustomerState, population_gap_days: float, now_ms: int = 0) -> list[Transition]:
    """Note in the state how far its customer's history is told, and return that history.

    It reaches to the newest order or to where silence was told, which `now_ms` moves on. An order that is no
    order any more leaves nothing behind, so what is told does not depend on who came when. An anonymous
    visitor has no history.
    """
    times = state.order_times_ms
    state.purchase_days = len({day_of(at_ms) for at_ms in times})
    if state.is_anonymous:
        return []
    until_ms = max(now_ms, state.swept_ms, *times[-1:])
    told: list[Transition] = []
    state.due_day = 0
    for change in transitions(times, population_gap_days):
        if change.changed_at_ms > until_ms:
            state.due_day = day_of(change.changed_at_ms)
            break
        told.append(change)
    state.told_ms = told[-1].changed_at_ms if told else 0
    if now_ms:
        state.swept_ms = max(state.swept_ms, state.told_ms)
    won_back = [change.changed_at_ms for change in told if change.to_status is ChurnStatus.WON_BACK]
    state.won_back_ms = won_back[-1] if won_back else 0
    return told
