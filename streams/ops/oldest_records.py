"""When the broker appended the first record at or behind an offset, read from Kafka and remembered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from kafka.errors import KafkaTimeoutError  # type: ignore[import-untyped]

from streams.config import Settings
from streams.kafka_security import brokers_of

READ_COMMITTED: Final = "read_committed"
READ_UNCOMMITTED: Final = "read_uncommitted"

#: A few batches as producers send them; of a larger one Kafka sends the whole.
_FETCH_BYTES: Final = 32 * 1024
#: Short, because a poll does not return when all it gets are control records.
_POLL_MS: Final = 50
#: Of some partitions at once; what is behind the first of each need not be parsed.
_POLL_RECORDS: Final = 100
_READ_SECONDS: Final = 15.0
_CONNECT_MS: Final = 8_000
_CLOSE_MS: Final = 2_000


class Range(NamedTuple):
    """Offsets to be looked at, `stop` not among them."""

    start: int
    stop: int


class Found(NamedTuple):
    """From `start` on nothing is readable before `offset`, where a record was appended at `appended_at_ms`.

    `None`: nothing is known of `offset` itself.
    """

    start: int
    offset: int
    appended_at_ms: int | None

    def covers(self, wanted: Range) -> bool:
        """Whether the range begins in the part that is known."""
        return self.start <= wanted.start <= self.offset

    def answers(self, wanted: Range) -> bool:
        """Whether nothing need be read to know the first record of a range."""
        return self.covers(wanted) and (self.appended_at_ms is not None or self.offset >= wanted.stop)


class OldestRecords:
    """Reads with one isolation level; used from one thread, and closed by its owner.

    While the groups stand still nothing is read twice.
    """

    def __init__(self, settings: Settings, isolation_level: str) -> None:
        self._settings = settings
        self._isolation_level = isolation_level
        self._consumer: Any = None
        self._known: dict[tuple[str, TopicPartition], Found] = {}

    def close(self) -> None:
        """Forget what was read, and leave Kafka until the next `appended_at_ms`."""
        self._known.clear()
        if self._consumer is not None:
            self._consumer.close(timeout_ms=_CLOSE_MS)
            self._consumer = None

    def appended_at_ms(self, group: str, wanted: Mapping[TopicPartition, Range]) -> dict[TopicPartition, int]:
        """When the first record of each range was appended; ranges without any are left out.

        Control records are none, and with READ_COMMITTED neither are those of transactions that were aborted.

        Raises:
            KafkaError: Kafka does not answer, or not within 15 seconds.
        """
        ranges = {tp: offsets for tp, offsets in wanted.items() if offsets.start < offsets.stop}
        self._read_unknown(group, ranges)
        found = {tp: self._known[group, tp].appended_at_ms for tp in ranges}
        return {tp: at_ms for tp, at_ms in found.items() if at_ms is not None}

    def _read_unknown(self, group: str, ranges: Mapping[TopicPartition, Range]) -> None:
        missing = {}
        for tp, wanted in ranges.items():
            known = self._known.get((group, tp))
            if known is None or not known.covers(wanted):
                known = self._known[group, tp] = Found(wanted.start, wanted.start, None)
            if not known.answers(wanted):
                missing[tp] = Range(known.offset, wanted.stop)
        for tp, (offset, at_ms) in self._read(missing).items():
            self._known[group, tp] = Found(self._known[group, tp].start, offset, at_ms)

    def _read(self, ranges: Mapping[TopicPartition, Range]) -> dict[TopicPartition, tuple[int, int | None]]:
        """Offset and append time of the first record; or the offset up to which there is none, and None."""
        if not ranges:
            return {}
        consumer = self._assigned(ranges)
        found: dict[TopicPartition, tuple[int, int | None]] = {}
        deadline = time.monotonic() + _READ_SECONDS
        while left := [tp for tp in ranges if tp not in found]:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"{len(left)} partitions were not read in time")
            # Not `pause`: kafka-python 3.0 may never again look at what it has parked of other partitions.
            consumer.assign(left)
            polled = consumer.poll(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
            first = {tp: (records[0].offset, records[0].timestamp) for tp, records in polled.items()}
            found |= first or self._passed({tp: ranges[tp] for tp in left})
        return found

    def _passed(self, ranges: Mapping[TopicPartition, Range]) -> dict[TopicPartition, tuple[int, int | None]]:
        """Ranges that the consumer has left behind without a record."""
        # None while the broker is asked where the log begins now.
        positions = {tp: self._consumer.position(tp, timeout_ms=_POLL_MS) for tp in ranges}
        return {tp: (at, None) for tp, at in positions.items() if at is not None and at >= ranges[tp].stop}

    def _assigned(self, ranges: Mapping[TopicPartition, Range]) -> Any:
        if self._consumer is None:
            self._consumer = self._open()
        # What is left of an earlier read must not come first.
        self._consumer.assign([])
        self._consumer.assign(list(ranges))
        for tp, offsets in ranges.items():
            self._consumer.seek(tp, offsets.start)
        return self._consumer

    def _open(self) -> Any:
        return KafkaConsumer(
            **brokers_of(self._settings).arguments,
            bootstrap_timeout_ms=_CONNECT_MS,
            group_id=None,
            enable_auto_commit=False,
            # What retention removes in between is not left to read.
            auto_offset_reset="earliest",
            isolation_level=self._isolation_level,
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=_POLL_MS,
            # Each read is of other partitions.
            enable_incremental_fetch_sessions=False,
            metrics_enabled=False,
        )
