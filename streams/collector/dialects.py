"""The two languages that requests are in: Segment's messages and CloudEvents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from streams.collector.envelope import Envelope, open_batch, open_list, open_single
from streams.collector.judging import Judged
from streams.collector.seen import SeenTimes
from streams.collector.taking import Received, take_cloud_events, take_segment


class Dialect(NamedTuple):
    """How a body is opened, how its messages become records, and what its senders call our fields.

    `kind` is the type of a single message where the route says it, None where each message does.
    """

    open: Callable[[bytes], tuple[Envelope, list[bytes]]]
    take: Callable[[Received, SeenTimes], Iterator[Judged]]
    names: Mapping[str, str]
    is_batch: bool
    kind: str | None = None


_SEGMENT_NAMES: Final = {
    "event_id": "messageId",
    "type": "type or event",
    "occurred_at": "timestamp",
    "customer_id": "userId",
    "anonymous_id": "anonymousId",
    "session_id": "context.sessionId",
}
_CLOUD_EVENTS_NAMES: Final = {
    "event_id": "id",
    "occurred_at": "time",
    "customer_id": "subject",
    "anonymous_id": "anonymousid",
    "session_id": "sessionid",
    "properties": "data",
}


def _open_list(body: bytes) -> tuple[Envelope, list[bytes]]:
    return Envelope(), open_list(body)


def segment_call(kind: str) -> Dialect:
    """A single call, such as `track`."""
    return Dialect(open_single, take_segment, _SEGMENT_NAMES, is_batch=False, kind=kind)


SEGMENT_BATCH: Final = Dialect(open_batch, take_segment, _SEGMENT_NAMES, is_batch=True)
CLOUD_EVENT: Final = Dialect(open_single, take_cloud_events, _CLOUD_EVENTS_NAMES, is_batch=False)
CLOUD_EVENTS: Final = Dialect(_open_list, take_cloud_events, _CLOUD_EVENTS_NAMES, is_batch=True)
