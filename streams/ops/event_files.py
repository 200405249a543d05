"""Files of past events, line by line, as records to send. Pure: lines in, records out.

`events-jsonl` takes one event per line, as `schemas.events` describes it. Its channel is the top-level key
`channel` (`website`, `chat` or `purchase`), which is taken out before sending, or else follows from the type:
`order_…` is purchase, `conversation_…` and `message_sent` are chat, all else is website. Whether a line is a
valid event is not judged here: it is sent as it stands, and the worker rejects it with its reason.

`cdnow` and `otto` are public data sets: CDNOW purchases (columns: master id, sample id, yyyymmdd, number of
CDs, dollars) and sessions of OTTO's recommender data set.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final

from schemas.fields import INT64_MAX
from schemas.topics import TOPIC_OF_CHANNEL, WEBSITE, channel_of_type
from streams.errors import EngageError
from streams.ops.outgoing import Outgoing, key_of, to_outgoing

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class FileFormat(str, Enum):
    """What a file to replay holds."""

    EVENTS_JSONL = "events-jsonl"
    CDNOW = "cdnow"
    OTTO = "otto"


def records(file_format: FileFormat, lines: Iterable[bytes]) -> Iterator[Outgoing]:
    """The records of a file. Empty lines count in line numbers and are otherwise left out.

    Raises:
        EngageError: a line does not have the format; the message names it.
    """
    read = _READERS[file_format]
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(_BYTE_ORDER_MARK).strip()
        if text:
            yield from read(number, text)


def with_duplicates(sent: Sequence[Outgoing], ratio: float, seed: int) -> list[Outgoing]:
    """The records in order, and `ratio` (0 to 1) of them a second time, each somewhere after its first."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    repeated = chance.sample(range(len(sent)), round(ratio * len(sent)))
    # A first delivery stays at its index; a second one gets a place between that and the end.
    places = [(float(index), record) for index, record in enumerate(sent)]
    places += [(chance.uniform(index, len(sent)), sent[index]) for index in repeated]
    places.sort(key=lambda place: place[0])
    return [record for _, record in places]


def shuffled(sent: Sequence[Outgoing], seed: int) -> list[Outgoing]:
    """The records in a random order that the seed determines."""
    mixed = list(sent)
    random.Random(seed).shuffle(mixed)  # noqa: S311
    return mixed


def _read_event(number: int, line: bytes) -> Iterator[Outgoing]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        yield Outgoing(WEBSITE, None, line)
        return
    if event.get("channel") is None:
        yield Outgoing(TOPIC_OF_CHANNEL[_channel_of_type(event.get("type"))], key_of(event), line)
        return
    channel = event.pop("channel")
    if not isinstance(channel, str) or channel not in TOPIC_OF_CHANNEL:
        raise EngageError(f"line {number}: channel must be one of {', '.join(TOPIC_OF_CHANNEL)}")
    value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    yield Outgoing(TOPIC_OF_CHANNEL[channel], key_of(event), value)


def _channel_of_type(event_type: object) -> str:
    return channel_of_type(event_type) if isinstance(event_type, str) else "website"


def _read_purchase(number: int, line: bytes) -> Iterator[Outgoing]:
    try:
        _, customer_id, day, quantity, dollars = line.decode("ascii").split()
        ordered_at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=timezone.utc)
        total_minor = int(Decimal(dollars) * 100)
        items = [{"name": "CD", "quantity": int(quantity)}]
        if max(abs(total_minor), abs(int(quantity))) > INT64_MAX:
            raise OverflowError
    except (ValueError, InvalidOperation, OverflowError):
        raise EngageError(
            f"line {number}: not a CDNOW purchase, such as `00004 0001 19970101 2 29.33`"
        ) from None
    # Identical lines are different purchases, so the id is made of the line's place, not of its content.
    purchase = f"cdnow-{number}"
    properties = {"order_id": purchase, "total_minor": total_minor, "currency": "USD", "items": items}
    yield to_outgoing(
        "purchase",
        {
            "event_id": purchase,
            "type": "order_completed",
            "occurred_at": _rfc3339(ordered_at),
            "customer_id": customer_id,
            "source": "cdnow",
            "properties": properties,
        },
    )


def _read_session(number: int, line: bytes) -> Iterator[Outgoing]:
    try:
        session = json.loads(line)
        session_id = str(session["session"])
        rows = [(int(row["ts"]), str(row["type"]), str(row["aid"])) for row in session["events"]]
        yield from _session_records(session_id, rows)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise EngageError(
            f"line {number}: not an OTTO session, such as "
            '`{"session": 0, "events": [{"aid": 1, "ts": 1659304800025, "type": "clicks"}]}`'
        ) from None


def _session_records(session_id: str, rows: list[tuple[int, str, str]]) -> Iterator[Outgoing]:
    """Clicks and carts one by one; the order lines of one millisecond together, as one order."""
    ordered: dict[int, list[str]] = defaultdict(list)
    for at_ms, kind, product_id in rows:
        if kind == "orders":
            ordered[at_ms].append(product_id)
    for index, (at_ms, kind, product_id) in enumerate(rows):
        event_id = f"otto-{session_id}-{index}"
        envelope = {
            "event_id": event_id,
            "occurred_at": _rfc3339(_EPOCH + timedelta(milliseconds=at_ms)),
            "anonymous_id": session_id,
            "session_id": session_id,
            "source": "otto",
        }
        if kind in _TYPE_OF_ROW:
            properties: dict[str, Any] = {"product_id": product_id}
            yield to_outgoing("website", {**envelope, "type": _TYPE_OF_ROW[kind], "properties": properties})
        elif kind != "orders":
            raise ValueError(kind)
        elif at_ms in ordered:
            items = [{"product_id": item} for item in ordered.pop(at_ms)]
            # The data has no prices.
            properties = {"order_id": event_id, "total_minor": 0, "currency": "EUR", "items": items}
            yield to_outgoing("purchase", {**envelope, "type": "order_completed", "properties": properties})


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TYPE_OF_ROW: Final = {"clicks": "product_viewed", "carts": "product_added"}
_READERS: Final[dict[FileFormat, Callable[[int, bytes], Iterator[Outgoing]]]] = {
    FileFormat.EVENTS_JSONL: _read_event,
    FileFormat.CDNOW: _read_purchase,
    FileFormat.OTTO: _read_session,
}
