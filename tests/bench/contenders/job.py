"""The job of the peers, apart from what their frameworks do: decode and validate, dedupe, count.

A customer's state is one plain dict, which every framework can store. It is smaller than our worker's: the
last 64 event ids per channel (a retry comes by the same topic), twelve five-minute buckets, 24 hours, days.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NamedTuple, Union

from pydantic import AwareDatetime, BaseModel, ConfigDict, Discriminator, Field, TypeAdapter, create_model

from schemas.events import MODEL_OF_TYPE
from tests.bench.contenders.task import channel_of

State = dict[str, Any]

_IDS: Final = 64
_FIVES: Final = 12
_HOURS: Final = 24
_FIVE_MS: Final = 5 * 60_000
_HOUR_MS: Final = 12 * _FIVE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_NOT_ENGAGEMENT: Final = frozenset({"identify", "alias", "conversation_ended"})


class _Envelope(BaseModel):
    """As `schemas.events.EngagementEvent`, but with pydantic's own types: that takes half the time."""

    model_config = ConfigDict(strict=True)

    event_id: str = Field(min_length=1, max_length=64)
    occurred_at: AwareDatetime
    customer_id: str = Field(min_length=1, max_length=128)
    session_id: str = ""
    source: str = ""


_events: Final = TypeAdapter(
    Annotated[
        Union[  # noqa: UP007  # built from parts, which `|` cannot be
            tuple(
                create_model(
                    model.__name__,
                    __base__=_Envelope,
                    type=(Literal[name], ...),
                    properties=(model.model_fields["properties"].annotation, ...),
                )
                for name, model in MODEL_OF_TYPE.items()
            )
        ],
        Discriminator("type"),
    ]
)


class Event(NamedTuple):
    """What is counted of a valid event, and its fact in the order of `schemas.rows.EventRow`."""

    id: str
    customer: str
    channel: str
    type: str
    is_engagement: bool
    occurred_at_ms: int
    fact: tuple[Any, ...]


def decode(value: bytes, topic: str, partition: int, offset: int, appended_at_ms: int) -> Event:
    """A record as an event; raises pydantic's ValidationError."""
    body = _events.validate_json(value)
    channel = channel_of(topic)
    occurred_at_ms = round(body.occurred_at.timestamp() * 1000)
    fact = (
        body.event_id,
        body.customer_id,
        "",
        channel,
        body.type,
        occurred_at_ms,
        body.session_id,
        body.source,
        body.properties.model_dump_json(exclude_none=True),
        "",
        topic,
        partition,
        offset,
        appended_at_ms,
    )
    return Event(
        body.event_id, body.customer_id, channel, body.type, _is_engagement(body), occurred_at_ms, fact
    )


def new_state() -> State:
    return {"applied": 0, "ids": {}, "days": {}, "hours": {}, "fives": {}}


def fold(state: State, event: Event) -> tuple[Any, ...] | None:
    """Count an event in a customer's state; returns the day's row (`schemas.rows.CustomerDailyRow`).

    None for an event that has been counted before.
    """
    ids = state["ids"].setdefault(event.channel, [])
    if event.id in ids:
        return None
    ids.append(event.id)
    if len(ids) > _IDS:
        del ids[0]
    state["applied"] += 1
    _count(state["fives"], event.occurred_at_ms // _FIVE_MS, event.channel, _FIVES)
    _count(state["hours"], event.occurred_at_ms // _HOUR_MS, event.channel, _HOURS)
    day = event.occurred_at_ms // _DAY_MS
    cell = state["days"].setdefault(f"{day} {event.channel}", {"events": 0, "counts": {}})
    cell["events"] += 1
    counts = cell["counts"]
    if event.is_engagement:
        counts[event.type] = counts.get(event.type, 0) + 1
    return (
        event.customer,
        day,
        event.channel,
        cell["events"],
        counts.copy(),
        counts.get("order_completed", 0),
        counts.get("conversation_started", 0),
        counts.get("message_sent", 0),
        0,
        state["applied"],
    )


def _count(window: dict[str, dict[str, int]], bucket: int, channel: str, length: int) -> None:
    """Add one to a bucket, and forget buckets that the newest has pushed out."""
    cell = window.setdefault(str(bucket), {})
    cell[channel] = cell.get(channel, 0) + 1
    if len(window) > length:
        del window[min(window)]


def _is_engagement(body: Any) -> bool:
    if body.type == "message_sent":
        return bool(body.properties.author == "customer")
    return body.type not in _NOT_ENGAGEMENT
