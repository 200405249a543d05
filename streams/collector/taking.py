"""Messages → records: the middle of a request, without network and without clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from schemas.rejections import Rejection
from streams.collector import clock, cloud_events, segment
from streams.collector.envelope import read_message
from streams.collector.judging import Judged, judge, set_aside
from streams.collector.seen import SeenTimes
from streams.collector.segment import Mapped, Sender


class Received(NamedTuple):
    """One request's messages.

    Attributes:
        kind: of a single message's route; None when each message says its own.
        sent_at: of a whole batch; holds for messages that say none.
        key_hash: which write key, for a message id is unique within one key only.
    """

    messages: Sequence[bytes]
    kind: str | None
    sent_at: Any
    sender: Sender
    key_hash: int
    received_at_ms: int


def take_segment(received: Received, seen: SeenTimes) -> Iterator[Judged]:
    """One record per message, in order."""
    for raw in received.messages:
        message = read_message(raw)
        if isinstance(message, Rejection):
            yield set_aside(raw, message)
            continue
        mapped = segment.to_event(message, received.kind or message.get("type"), received.sender)
        yield _timed(mapped, message.get("messageId"), received, seen)


def take_cloud_events(received: Received, seen: SeenTimes) -> Iterator[Judged]:
    """One record per CloudEvent, in order."""
    for raw in received.messages:
        mapped = cloud_events.to_event(raw, received.sender)
        if isinstance(mapped, Rejection):
            yield set_aside(raw, mapped)
        else:
            yield _timed(mapped, mapped.event["event_id"], received, seen)


def _timed(mapped: Mapped, message_id: Any, received: Received, seen: SeenTimes) -> Judged:
    event, now_ms = mapped.event, received.received_at_ms
    own_ms = clock.instant_ms(mapped.own_time)
    if own_ms is None and mapped.own_time:
        # Not a time at all: `decode` says so, as nobody can know what was meant.
        event["occurred_at"] = mapped.own_time
        return judge(event, now_ms)
    at_ms = now_ms
    if own_ms is not None:
        sent_at_ms = clock.instant_ms(mapped.sent_at or received.sent_at)
        at_ms = own_ms + clock.correction_ms(sent_at_ms, now_ms)
    if message_id:
        at_ms = seen.time_given((received.key_hash, event["event_id"]), at_ms, now_ms)
    event["occurred_at"] = clock.to_text(at_ms)
    if own_ms is not None and at_ms != own_ms:
        event["properties"] = _with_sent_timestamp(event.get("properties"), mapped.own_time)
    return judge(event, now_ms)


def _with_sent_timestamp(properties: Any, sent: Any) -> Any:
    if properties is None:
        return {"sent_timestamp": sent}
    return {**properties, "sent_timestamp": sent} if isinstance(properties, dict) else properties
