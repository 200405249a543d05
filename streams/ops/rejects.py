"""Rejected records: found in ClickHouse, sent again when they have become valid, and marked as replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.decode import decode
from schemas.rejections import Rejection
from schemas.rows import RejectedEventRow, columns
from schemas.topics import CHANNEL_OF_TOPIC
from streams.errors import EngageError
from streams.ops.outgoing import Outgoing

_BATCH: Final = 50
"""Records named in one query: their coordinates travel in the URL."""

_STORED: Final = """
SELECT source_topic, source_partition, source_offset, reason, detail, payload, payload_bytes
FROM rejected_events FINAL
WHERE replayed_at IS NULL AND ({reason:String} = '' OR reason = {reason:String})
ORDER BY rejected_at, source_topic, source_partition, source_offset
"""
_NAMED: Final = """
(source_topic, source_partition, source_offset) IN {coordinates:Array(Tuple(String, UInt32, UInt64))}
"""
_EXISTING: Final = f"""
SELECT source_topic, source_partition, source_offset FROM rejected_events FINAL WHERE {_NAMED}
"""  # noqa: S608 - made of constants
_COLUMNS: Final = columns(RejectedEventRow)
_COPIED: Final = [
    "{replayed_at:DateTime64(3, 'UTC')}" if name == "replayed_at" else name for name in _COLUMNS
]
# Copied inside ClickHouse: every other column stays as it is, byte for byte.
_MARK: Final = f"""
INSERT INTO rejected_events ({", ".join(_COLUMNS)})
SELECT {", ".join(_COPIED)} FROM rejected_events FINAL WHERE {_NAMED}
"""  # noqa: S608 - made of constants


class Coordinates(NamedTuple):
    """Where a record entered the system."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Stored(NamedTuple):
    """A rejected record as ClickHouse keeps it; above 1 MiB `payload` is only its beginning."""

    coordinates: Coordinates
    reason: str
    detail: str
    payload: bytes
    payload_bytes: int
    """The true size."""

    @property
    def value(self) -> bytes | None:
        """The record's value; None if it is not stored whole, or if there was none."""
        return self.payload if 0 < len(self.payload) == self.payload_bytes else None


class Repaired(NamedTuple):
    """A record to send in place of a rejected one."""

    coordinates: Coordinates
    value: bytes | None


class Outcome(NamedTuple):
    """What `replay` did: records sent, and those that would only be rejected again."""

    sent: int
    refused: list[tuple[Coordinates, Rejection]]

    def refused_by_reason(self) -> dict[str, int]:
        return dict(Counter(rejection.reason.value for _, rejection in self.refused).most_common())


def stored(client: Client, reason: str = "") -> Iterator[Stored]:
    """Rejected records that were not replayed yet, the oldest first; only those of `reason` if given."""
    blocks = client.query_row_block_stream(
        _STORED, parameters={"reason": reason}, column_formats={"payload": "bytes"}
    )
    with blocks:
        for block in blocks:
            for topic, partition, offset, *rest in block:
                yield Stored(Coordinates(topic, partition, offset), *rest)


def not_rejected(client: Client, coordinates: Sequence[Coordinates]) -> list[Coordinates]:
    """Those of at most 50 coordinates under which no record was rejected."""
    rows = client.query(_EXISTING, parameters={"coordinates": list(coordinates)}).result_rows
    found = {Coordinates(*row) for row in rows}
    return [wanted for wanted in coordinates if wanted not in found]


def mark_replayed(client: Client, coordinates: Sequence[Coordinates], replayed_at: datetime) -> None:
    """Write the rows of at most 50 records again, with `replayed_at`."""
    client.command(_MARK, parameters={"coordinates": list(coordinates), "replayed_at": replayed_at})


def replay(
    records: Iterable[Repaired],
    *,
    now: datetime,
    send: Callable[[Outgoing], None],
    flush: Callable[[], None],
    unknown: Callable[[Sequence[Coordinates]], list[Coordinates]],
    mark: Callable[[Sequence[Coordinates], datetime], None],
) -> Outcome:
    """Send each record that is a valid event by now, and mark it as replayed once Kafka has it.

    Args:
        now: the instant that future timestamps are judged by; it becomes `replayed_at`.
        flush: returns when everything sent is acknowledged.
        unknown, mark: see `not_rejected` and `mark_replayed`.

    Raises:
        EngageError: a record was never rejected; what came long before it may have been sent.
    """
    sent = 0
    refused: list[tuple[Coordinates, Rejection]] = []
    for batch in _batches(records):
        if wrong := unknown([record.coordinates for record in batch]):
            raise EngageError(f"{wrong[0]}: no such record was rejected")
        valid = []
        for record in batch:
            judged = _judge(record, now)
            if isinstance(judged, Rejection):
                refused.append((record.coordinates, judged))
            else:
                send(judged)
                valid.append(record.coordinates)
        if valid:
            flush()
            mark(valid, now)
        sent += len(valid)
    return Outcome(sent, refused)


def _judge(record: Repaired, now: datetime) -> Outgoing | Rejection:
    topic = record.coordinates.topic
    now_ms = int(now.timestamp() * 1000)
    event = decode(record.value, channel=CHANNEL_OF_TOPIC[topic], appended_at_ms=now_ms)
    return event if isinstance(event, Rejection) else Outgoing(topic, event.key.encode(), record.value)


def _batches(records: Iterable[Repaired]) -> Iterator[list[Repaired]]:
    batch: list[Repaired] = []
    for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
