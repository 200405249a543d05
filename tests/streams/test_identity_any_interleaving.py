"""Anonymous visitors who become customers: whatever the interleaving of events, claims and crashes, the rows
are those of customers who had carried their id from the beginning."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decode import Event
from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, EventRow
from streams.sinks.memory import MemorySink
from streams.state_store import StateStore
from tests.core import strategies as some
from tests.core.oracle import expect
from tests.streams.scene import Scene, history_expected, history_of, rows_of
from tests.streams.test_pipeline_any_interleaving import crashes, wipe, work_off

_VISITORS = ("a-1", "a-2", "c-1")
_CUSTOMERS = ("c-1", "c-2", "c-3")


def _who() -> st.SearchStrategy[dict[str, Any]]:
    """A visitor before or after login, or a customer; one visitor has the key of a customer."""
    visitors = st.sampled_from(_VISITORS).map(lambda one: {"customer_id": None, "anonymous_id": one})
    customers = st.sampled_from(_CUSTOMERS).map(lambda one: {"customer_id": one, "anonymous_id": None})
    return st.one_of(visitors, customers)


@st.composite
def _claims(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """An `identify` or `alias` by a customer: of a visitor, of themselves, of another customer's id."""
    sent, channel = draw(some.bodies())
    customer_id, claimed = draw(st.sampled_from(_CUSTOMERS)), draw(st.sampled_from((*_VISITORS, "c-2")))
    if draw(st.booleans()):
        identity = {"type": "identify", "anonymous_id": claimed, "properties": {}}
    else:
        identity = {"type": "alias", "anonymous_id": None, "properties": {"previous_id": claimed}}
    return sent | {"customer_id": customer_id} | identity, channel


@st.composite
def _scenes(draw: st.DrawFn) -> Scene:
    """A dozen events and some claims, in any order, with retries."""
    sent = [(one | draw(_who()), channel) for one, channel in draw(st.lists(some.bodies(), max_size=10))]
    sent += draw(st.lists(_claims(), min_size=1, max_size=4))
    sent = [(one | {"event_id": f"e-{number:02}"}, channel) for number, (one, channel) in enumerate(sent)]
    sent += draw(st.lists(st.sampled_from(sent), max_size=3))
    random = Random(draw(st.integers(0, 2**32)))
    random.shuffle(sent)
    scene = Scene()
    for whole, channel in sent:
        scene.kafka.now_ms += random.randint(0, 3_600_000)
        scene.send_body(whole, channel)
    return scene


def _claimed_by(event: Event) -> str | None:
    """The anonymous id that an event claims, by the definition in the metric dictionary."""
    if event.is_anonymous or event.type not in ("identify", "alias"):
        return None
    return event.anonymous_id if event.type == "identify" else str(event.properties["previous_id"])


def _owners(scene: Scene) -> dict[str, list[Event]]:
    """Every delivery by the customer it belongs to: of all claims up to an event the last, else the first."""
    deliveries = [event for events in scene.accepted().values() for event in events]
    claims = defaultdict(set)
    for event in deliveries:
        if claimed := _claimed_by(event):
            claims[f"anon:{claimed}"].add((event.occurred_at_ms, event.event_id, event.customer))
    found = defaultdict(list)
    for event in deliveries:
        known = sorted(claims.get(event.customer, ()))
        before = [claim for claim in known if claim[:2] <= (event.occurred_at_ms, event.event_id)]
        owner = before[-1][2] if before else known[0][2] if known else event.customer
        found[owner].append(event)
    return found


def _assert_rows_are_right(scene: Scene, sink: MemorySink) -> None:
    facts = sink.final(EventRow.TABLE, "customer_id", "event_id").keys()
    assert facts == {(event.customer, event.event_id) for one in scene.accepted().values() for event in one}
    owners = _owners(scene)
    states = sink.final(CustomerStateRow.TABLE, "customer_id")
    assert {customer for (customer,), row in states.items() if not row["is_moved"]} == owners.keys()
    moved = {customer for (customer,), row in states.items() if row["is_moved"]}
    assert moved == {customer for customer in scene.accepted() if customer not in owners}
    for visitor in moved:
        assert not _filled(rows_of(sink, CustomerDailyRow, visitor, "day", "channel"))
        assert not _filled(rows_of(sink, Customer5mRow, visitor, "bucket_at", "channel"))
        assert not history_of(sink, visitor)
    for customer, deliveries in owners.items():
        expected = expect(deliveries, customer)
        assert rows_of(sink, CustomerStateRow, customer) == {(): expected.state}
        assert history_of(sink, customer) == history_expected(customer, expected.order_times_ms, sink.now_ms)
        assert _filled(rows_of(sink, CustomerDailyRow, customer, "day", "channel")) == expected.daily
        fives = _filled(rows_of(sink, Customer5mRow, customer, "bucket_at", "channel"))
        held = expected.fives_held()
        assert {key: fives.get(key) for key in held} == held
        assert held.keys() >= {key for key in fives if key in _since(fives, expected.newest_ms)}


def _filled(rows: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {key: row for key, row in rows.items() if row["events"]}


def _since(rows: dict[Any, dict[str, Any]], newest_ms: int) -> set[Any]:
    """The rows that a window of 24 hours can still see."""
    return {key for key in rows if key[0] * 1000 > newest_ms - 26 * 3_600_000}


def test_a_visitors_past_and_future_are_the_customers_whatever_the_interleaving(tmp_path: Path) -> None:
    disk = StateStore(tmp_path / "disk", block_cache_mib=8)

    @given(_scenes(), crashes, st.integers(0, 2**32))
    @settings(max_examples=2_000)
    def for_any(scene: Scene, deaths: list[tuple[int, float, bool]], seed: int) -> None:
        wipe(disk)
        _assert_rows_are_right(scene, asyncio.run(work_off(scene, deaths, seed, disk)))

    for_any()
    disk.close()
