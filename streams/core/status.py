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

from collections.abc import Iterable, Iterator
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


class Standing(NamedTuple):
    """Where an order leaves a customer. `won_back_until` is the day on which the newest `won_back` ends."""

    status: ChurnStatus
    purchases: Purchases
    won_back_until: int


def transitions(
    order_times_ms: Iterable[int], population_gap_days: float, since: Standing | None = None
) -> Iterator[Transition]:
    """All changes of status, in order of time, as if no order came after these, which must be sorted.

    Those behind the last order lie in the future as seen from it, and end with `churned`. With `since`, these
    orders follow the one that has left the customer there, and so do the changes.
    """
    for at_ms in order_times_ms:
        day = day_of(at_ms)
        if since is None:
            yield Transition(at_ms, ChurnStatus.PROSPECT, ChurnStatus.ACTIVE, 0, population_gap_days)
            since = Standing(ChurnStatus.ACTIVE, Purchases(day, day, 0), 0)
            continue
        status, purchases, won_back_until = since
        for change in _silence(since, population_gap_days):
            if change.changed_at_ms >= at_ms:
                break
            yield change
            status = change.to_status
        if status is ChurnStatus.CHURNED:
            reached, won_back_until = ChurnStatus.WON_BACK, day + WON_BACK_DAYS
        elif status is ChurnStatus.WON_BACK and day < won_back_until:
            reached = status
        else:
            reached = ChurnStatus.ACTIVE
        if reached is not status:
            waited = day - purchases.last_day
            yield Transition(at_ms, status, reached, waited, purchases.expected_gap_days(population_gap_days))
        since = Standing(reached, purchases.with_day(day), won_back_until)
    if since is not None:
        yield from _silence(since, population_gap_days)


def _silence(since: Standing, population_gap_days: float) -> Iterator[Transition]:
    """What happens after an order, if nothing does."""
    status, purchases, won_back_until = since
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


def tell(
    state: CustomerState, population_gap_days: float, now_ms: int = 0, told_orders: int = 0
) -> list[Transition]:
    """Note in the state how far its customer's history is told, and return that history.

    It reaches to the newest order or to where silence was told, which `now_ms` moves on. An order that is no
    order any more leaves nothing behind, so what is told does not depend on who came when. An anonymous
    visitor has no history.

    With `told_orders`, only what follows so many of the orders, on which alone the state rests so far.
    """
    times = state.order_times_ms
    since = _standing(state, told_orders) if told_orders else None
    if since is None:
        state.purchase_days = state.told_ms = state.won_back_ms = 0
    new_times = times[told_orders:]
    days = {day_of(at_ms) for at_ms in new_times}
    if since is not None:
        days.discard(since.purchases.last_day)
    state.purchase_days += len(days)
    if state.is_anonymous:
        return []
    until_ms = max(now_ms, state.swept_ms, *times[-1:])
    told: list[Transition] = []
    state.due_day = 0
    for change in transitions(new_times, population_gap_days, since):
        if change.changed_at_ms > until_ms:
            state.due_day = day_of(change.changed_at_ms)
            break
        told.append(change)
        state.told_ms = change.changed_at_ms
        if change.to_status is ChurnStatus.WON_BACK:
            state.won_back_ms = change.changed_at_ms
    if now_ms:
        state.swept_ms = max(state.swept_ms, state.told_ms)
    return told


def _standing(state: CustomerState, told_orders: int) -> Standing:
    """Where the last of so many orders, on which the state rests, has left the customer.

    Whoever is won back stays so for some days, whatever happens, and an order of anybody else makes active.
    """
    times = state.order_times_ms
    last_day = day_of(times[told_orders - 1])
    won_back_until = day_of(state.won_back_ms) + WON_BACK_DAYS if state.won_back_ms else 0
    return Standing(
        ChurnStatus.WON_BACK if last_day < won_back_until else ChurnStatus.ACTIVE,
        Purchases(day_of(times[0]), last_day, state.purchase_days - 1),
        won_back_until,
    )
