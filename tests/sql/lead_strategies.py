"""Rules as people may type them, and events on which they nearly hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from schemas.fields import INT64_MAX, INT64_MIN
from streams.rules.model import Criterion, LeadRule, Op
from tests.sql.devices import identify
from tests.sql.scenario import Event, at, order

CUSTOMERS = ("c-1", "c-2")
DEVICES = ("anon:a", "anon:b")
NOON = at("2026-03-10 12:00:00")
TYPES = ("page_viewed", "form_submitted", "wish_made")
NAMES = ("url", "plan", 'it\'s a "key"', "back\\slash", "ключ", "a.b", "1", "$x {y:Int8} %s", "nul\0l")
TEXTS = (
    "",
    "/pricing",
    "it's",
    '"',
    "\\",
    "\\'",
    "a\nb\t",
    "шляпа 🎩",
    "%",
    "50",
    "true",
    "nul\0l",
    "{x:Int8}",
)
NUMBERS = (
    0,
    1,
    -1,
    1.0,
    0.1,
    -0.0,
    2**53,
    2**53 + 1,
    float(2**53),
    INT64_MAX,
    INT64_MIN,
    float(2**63),
    1e300,
    5e-324,
)

texts = st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
numbers = (
    st.sampled_from(NUMBERS)
    | st.integers(INT64_MIN, INT64_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = texts | numbers | st.booleans()
sent = (
    values
    | st.none()
    | st.lists(values, max_size=2)
    | st.dictionaries(st.sampled_from(NAMES), values, max_size=1)
)
properties = st.dictionaries(st.sampled_from(NAMES), sent, max_size=3)


@st.composite
def criteria(draw: st.DrawFn, like: dict[str, Any]) -> Criterion:
    """Often about something that the properties `like` have."""
    name = draw(st.sampled_from(NAMES) | st.sampled_from([*like, "url"]))
    op = draw(st.sampled_from(get_args(Op)))
    type_ = draw(st.sampled_from(TYPES))
    if op == "exists":
        return Criterion(type=type_, property=draw(st.sampled_from((name, None))))
    return Criterion(type=type_, property=name, op=op, value=draw(_values(op, like.get(name))))


def _values(op: Op, found: Any) -> st.SearchStrategy[Any]:
    """Values that the operation takes, among them what was found, or a part of it."""
    if op in ("contains", "starts_with"):
        part = (
            st.just(found[:3] if op == "starts_with" else found[1:4])
            if isinstance(found, str)
            else st.nothing()
        )
        return (texts | part).filter(bool)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if op in ("at_least", "at_most"):
        return numbers | st.just(found) if is_number else numbers
    return values | st.just(found) if is_number or isinstance(found, str | bool) else values


@st.composite
def lead_rules(draw: st.DrawFn, like: list[dict[str, Any]]) -> tuple[LeadRule, ...]:
    """Some rules with different names, often about something that one of the properties `like` has."""
    names = draw(st.lists(texts.filter(bool), min_size=1, max_size=4, unique=True))
    return tuple(
        LeadRule(
            name=name,
            when=tuple(draw(st.lists(st.sampled_from(like).flatmap(criteria), min_size=1, max_size=4))),
            points=draw(st.sampled_from((1, 7, -20, 1_000_000))),
            once=draw(st.booleans()),
        )
        for name in names
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events within some milliseconds, of customers and devices, some of them linked, few with an order."""
    ids = st.sampled_from((*CUSTOMERS, *DEVICES))
    times = st.integers(0, 6).map(lambda ms: NOON + timedelta(milliseconds=ms))
    kinds = st.tuples(ids, st.sampled_from(TYPES), times, properties)
    events = [
        Event(f"e{number}", customer, type_, time, properties=found)
        for number, (customer, type_, time, found) in enumerate(
            draw(st.lists(kinds, min_size=1, max_size=12))
        )
    ]
    claims = draw(
        st.lists(st.tuples(st.sampled_from(CUSTOMERS), st.sampled_from(DEVICES), times), max_size=3)
    )
    events += [
        identify(f"e{n}-claim", customer, device, time) for n, (customer, device, time) in enumerate(claims)
    ]
    # Now and then an event is sent under a second id as well.
    events += [replace(event, customer_id=draw(ids)) for event in events[: draw(st.integers(0, 1))]]
    if draw(st.integers(0, 4)) == 0:
        events.append(order("o1", draw(ids), draw(times), 100))
    return list({(event.customer_id, event.event_id): event for event in events}.values())
