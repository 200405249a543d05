"""What lag in seconds was at any moment, from Kafka's own logs, read afterwards.

A record's append time stands in its topic. When a group committed which offset stands in
`__consumer_offsets`: the broker writes each commit there, with the time.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition

_OFFSETS: Final = "__consumer_offsets"
_OFFSET_COMMIT_VERSIONS: Final = (0, 1)


class Truth(NamedTuple):
    """One partition. Times are the broker's, in milliseconds; all lists are sorted."""

    appended_at_ms: Sequence[int]
    offsets: Sequence[int]
    committed_at_ms: Sequence[int]
    committed: Sequence[int]

    def age_seconds(self, at_ms: int, known_at_ms: int | None = None) -> float:
        """Age of the oldest record not committed; with commits up to `known_at_ms` if that is given."""
        number = bisect_right(self.committed_at_ms, at_ms if known_at_ms is None else known_at_ms)
        position = bisect_left(self.offsets, self.committed[number - 1] if number else 0)
        if position == len(self.offsets) or self.appended_at_ms[position] > at_ms:
            return 0.0
        return (at_ms - self.appended_at_ms[position]) / 1000

    def error_seconds(self, said: float, begin_ms: int, end_ms: int) -> float:
        """How far a number is from what was true at the moment nearest to it between two instants.

        From one commit to the next the age grows steadily; with a commit it falls.
        """
        within = self.committed_at_ms[
            bisect_right(self.committed_at_ms, begin_ms) : bisect_right(self.committed_at_ms, end_ms)
        ]
        return min(
            _distance(said, self.age_seconds(begin, begin), self.age_seconds(end, begin))
            for begin, end in pairwise((begin_ms, *within, end_ms))
        )


def read_truth(bootstrap: str, group: str, places: Iterable[TopicPartition]) -> dict[TopicPartition, Truth]:
    """Everything that was appended and committed so far."""
    commits = defaultdict(list)
    for record in _all_of(bootstrap, _OFFSETS):
        if (place := _place_of(record.key, group)) and record.value:
            (offset,) = struct.unpack_from(">q", record.value, 2)
            commits[place].append((record.timestamp, offset))
    return {place: _truth(_read(bootstrap, [place]), commits[place]) for place in places}


def _truth(records: Iterable[Any], commits: Sequence[tuple[int, int]]) -> Truth:
    appended = [(record.timestamp, record.offset) for record in records]
    return Truth(
        [at_ms for at_ms, _ in appended],
        [offset for _, offset in appended],
        [at_ms for at_ms, _ in commits],
        [offset for _, offset in commits],
    )


def _place_of(key: bytes, group: str) -> TopicPartition | None:
    """Of what a record of `__consumer_offsets` is the commit; None: it is of another group, or no commit."""
    (version,) = struct.unpack_from(">h", key)
    if version not in _OFFSET_COMMIT_VERSIONS:
        return None
    name, end = _text(key, 2)
    topic, end = _text(key, end)
    (partition,) = struct.unpack_from(">i", key, end)
    return TopicPartition(topic, partition) if name == group else None


def _text(data: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", data, position)
    end = position + 2 + length
    return data[position + 2 : end].decode(), end


def _all_of(bootstrap: str, topic: str) -> Iterator[Any]:
    with KafkaConsumer(bootstrap_servers=bootstrap, exclude_internal_topics=False) as consumer:
        numbers = consumer.partitions_for_topic(topic)
    for number in sorted(numbers):
        yield from _read(bootstrap, [TopicPartition(topic, number)])


def _read(bootstrap: str, places: Sequence[TopicPartition]) -> Iterator[Any]:
    """All records, from the beginning to the end as it is now."""
    with KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        consumer.seek_to_beginning()
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                yield from records


def _distance(said: float, low: float, high: float) -> float:
    return max(0.0, low - said, said - high)
