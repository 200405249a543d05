"""Hypothesis strategies: a customer's events, and the ways in which they may arrive."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from schemas.decode import Event
from tests.core.samples import body, decoded, ms
from tests.core.worker_in_miniature import Arrival

#: The newest possible event.
ANCHOR_MS = ms("2026-06-15 12:00")

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
DAY_MS = 24 * _HOUR

#: How far back events lie: ties, and both sides of every boundary (five minutes, 50 hours, 97 days).
_BACK_MS = (
    0, 1, 4 * _MINUTE, 5 * _MINUTE, 3 * _HOUR, 50 * _HOUR - 5 * _MINUTE, 50 * _HOUR, 51 * _HOUR,
    7 * DAY_MS, 96 * DAY_MS, 97 * DAY_MS, 98 * DAY_MS, 200 * DAY_MS, 201 * DAY_MS, 400 * DAY_MS,
)  # fmt: skip

_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("page_viewed", {}),
    ("product_added", {}),
    ("conversation_started", {}),
    ("conversation_ended", {}),
    ("message_sent", {"author": "customer"}),
    ("message_sent", {"author": "agent"}),
    ("message_sent", {"author": "bot"}),
    ("identify", {}),
    ("alias", {}),
    ("order_refunded", {"order_id": "o-1"}),
    ("loyalty_card_scanned", {"shop": 7}),
    # Thrice, because orders are where order of arrival could matter most.
    *[("order_completed", {"order_id": order_id}) for order_id in ("o-1", "o-2", "o-1")],
)
CHANNELS = ("website", "chat", "purchase")

times_ms = st.builds(
    lambda back, jitter: ANCHOR_MS - back - jitter, st.sampled_from(_BACK_MS), st.sampled_from((0, 0, 1, 17))
)
channels = st.sampled_from(CHANNELS)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """One event as sent, without a useful id, and its channel."""
    event_type, changes = draw(st.sampled_from(_KINDS))
    return body(event_type, draw(times_ms), "", **changes), draw(channels)


def events(max_size: int = 16) -> st.SearchStrategy[list[Event]]:
    """Distinct events of one customer, in no order; ids tell nothing about time."""
    return st.lists(bodies(), min_size=1, max_size=max_size).map(
        lambda sent: [
            decoded(one | {"event_id": f"e-{number:02}"}, channel)
            for number, (one, channel) in enumerate(sent)
        ]
    )


@st.composite
def arrivals(draw: st.DrawFn, of: list[Event]) -> list[Arrival]:
    """Every event at least once, in any order, duplicates within the dedupe horizon.

    A retry goes to the same topic, though maybe to another partition. Append days differ by weeks between
    events, whatever the order: topics are read at different speeds.
    """
    planned = []
    for event in of:
        first_day = draw(st.integers(0, 25))
        for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
            source = CHANNELS.index(event.channel) << 16 | draw(st.integers(0, 1))
            planned.append((event, source, first_day + draw(st.integers(0, 7))))
    offsets: dict[int, int] = {}
    arrived = []
    for event, source, append_day in draw(st.permutations(planned)):
        offsets[source] = offsets.get(source, -1) + draw(st.integers(1, 3))
        arrived.append(Arrival(event, source, offsets[source], append_day))
    return arrived


@st.composite
def batches(draw: st.DrawFn, of: list[Arrival]) -> list[list[Arrival]]:
    """Arrivals split into flushes; an empty flush is none."""
    cuts = sorted(draw(st.sets(st.integers(0, len(of)), max_size=5)) | {0, len(of)})
    return [of[start:stop] for start, stop in pairwise(cuts)]
