"""Lead scores and live visitors in plain Python, from events with the customers that they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from streams.rules.model import Criterion, LeadRule
from tests.sql.scenario import Event, grouped


class Line(NamedTuple):
    """A row of v_lead_ledger."""

    customer_id: str
    rule: str
    at: datetime
    points: int


class Visit(NamedTuple):
    """What v_live_visitors says of a customer's events."""

    channel: str
    since: datetime
    last: datetime
    type: str


def holds(criterion: Criterion, properties: dict[str, Any]) -> bool:
    """Whether an event of the criterion's type and with these properties fulfils it."""
    if criterion.property is None:
        return True
    found, value = properties.get(criterion.property), criterion.value
    if found is None:
        return False
    if criterion.op == "exists":
        return True
    if criterion.op == "not_equals":
        return not _equal(found, value)
    if criterion.op == "equals":
        return _equal(found, value)
    if criterion.op in ("contains", "starts_with"):
        return isinstance(found, str) and _text_test(criterion.op, found, str(value))
    if not _is_number(found):
        return False
    return bool(found >= value if criterion.op == "at_least" else found <= value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(found: Any, value: Any) -> bool:
    """Of one kind, and equal; numbers are of one kind."""
    same_kind = type(found) is type(value) or (_is_number(found) and _is_number(value))
    return same_kind and bool(found == value)


def _text_test(op: str, found: str, value: str) -> bool:
    return value in found if op == "contains" else found.startswith(value)


def ledger(rules: Sequence[LeadRule], events: Iterable[Event]) -> Counter[Line]:
    """The lines of all customers without an order. An event id counts once per customer."""
    lines: Counter[Line] = Counter()
    for customer, mine in grouped(events, lambda event: event.customer_id).items():
        if not any(event.type == "order_completed" for event in mine):
            for rule in rules:
                lines.update(Line(customer, rule.name, at, rule.points) for at in _hits(rule, mine))
    return lines


def _hits(rule: LeadRule, events: list[Event]) -> list[datetime]:
    """The k-th: when each type of the rule has had its k-th event on which all criteria of the type hold."""
    by_type = [sorted(_fulfilling(rule, type_, events)) for type_ in {c.type for c in rule.when}]
    hits = [max(at for at, _ in kth) for kth in zip(*by_type, strict=False)]
    return hits[:1] if rule.once else hits


def _fulfilling(rule: LeadRule, type_: str, events: list[Event]) -> set[tuple[datetime, str]]:
    criteria = [criterion for criterion in rule.when if criterion.type == type_]
    return {
        (event.at, event.event_id)
        for event in events
        if event.type == type_ and all(holds(criterion, event.properties) for criterion in criteria)
    }


def lead_scores(rules: Sequence[LeadRule], events: Sequence[Event]) -> dict[str, int | None]:
    """Of all customers: the sum of the ledger, None with an order."""
    scores: dict[str, int | None] = dict.fromkeys((event.customer_id for event in events), 0)
    for line, times in ledger(rules, events).items():
        scores[line.customer_id] = (scores[line.customer_id] or 0) + times * line.points
    buyers = {event.customer_id for event in events if event.type == "order_completed"}
    return {customer: None if customer in buyers else score for customer, score in scores.items()}


def visits(events: Iterable[Event], as_of: datetime) -> dict[str, Visit]:
    """Those of customers with an event in (as_of - 5 minutes, as_of]."""
    past_day = [event for event in events if as_of - timedelta(hours=24) < event.at <= as_of]
    result = {}
    for customer, mine in grouped(past_day, lambda event: event.customer_id).items():
        mine.sort(key=lambda event: (event.at, event.event_id))
        newest = mine[-1]
        if newest.at > as_of - timedelta(minutes=5):
            result[customer] = Visit(newest.channel, list(_starts(mine))[-1], newest.at, newest.type)
    return result


def _starts(events: list[Event]) -> Iterator[datetime]:
    yield events[0].at
    for before, event in pairwise(events):
        if event.at - before.at > timedelta(minutes=30):
            yield event.at
