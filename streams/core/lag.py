"""How far a consumer group is behind, from offsets and append times.

Definitions: metric dictionary, "Stream health". Names and the meaning of -1 are those of kafka_exporter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

#: Instead of a committed offset, and of a lag, where a group has committed nothing.
NOTHING_COMMITTED: Final = -1


class Offsets(NamedTuple):
    """A partition and a group's place in it.

    `start` is the first offset that retention has left, `end` the one after the last record. Records from
    `readable_end` on are behind a transaction that is still open.
    """

    start: int
    readable_end: int
    end: int
    committed: int = NOTHING_COMMITTED

    @property
    def is_committed(self) -> bool:
        """Whether the group has committed an offset of this log.

        One beyond the end is of a former log of that name, whose topic was deleted.
        """
        return 0 <= self.committed <= self.end

    @property
    def lag(self) -> int:
        """Offsets between the committed one and the end; -1 if nothing is committed.

        Markers of transactions and records that retention has removed count, as they do for kafka_exporter.
        """
        return self.end - self.committed if self.is_committed else NOTHING_COMMITTED

    @property
    def next_offset(self) -> int:
        """Where the oldest record that is not yet committed is to be looked for: here or later."""
        return max(self.start, self.committed) if self.is_committed else self.start


class PartitionLag(NamedTuple):
    """One group in one partition. `lag_seconds` is 0 when nothing is left to read."""

    group: str
    topic: str
    partition: int
    committed_offset: int
    end_offset: int
    lag: int
    lag_seconds: float


class GroupLag(NamedTuple):
    """A group, its living members, and where it is in each partition."""

    group: str
    members: int
    partitions: tuple[PartitionLag, ...]

    @property
    def max_lag_seconds(self) -> float:
        return max((partition.lag_seconds for partition in self.partitions), default=0.0)

    @property
    def lag_by_topic(self) -> dict[str, int]:
        """Sum over the partitions where something is committed; -1 for a topic without any."""
        sums: dict[str, int] = {}
        for partition in self.partitions:
            sums[partition.topic] = _add(sums.get(partition.topic, NOTHING_COMMITTED), partition.lag)
        return sums


class Measurement(NamedTuple):
    """All groups at one instant: lags in seconds are ages at `measured_at_ms`."""

    measured_at_ms: int
    groups: tuple[GroupLag, ...]

    @property
    def partitions(self) -> Iterable[PartitionLag]:
        return (partition for group in self.groups for partition in group.partitions)


def age_seconds(appended_at_ms: int | None, now_ms: int) -> float:
    """Age of the oldest record left to read; 0 for `None`, and for one appended after `now_ms`."""
    return 0.0 if appended_at_ms is None else max(0, now_ms - appended_at_ms) / 1000


def _add(total: int, lag: int) -> int:
    if NOTHING_COMMITTED in (total, lag):
        return max(total, lag)
    return total + lag
