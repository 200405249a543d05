"""In which order a backlog is read: one partition number of all topics at a time, and its topics in step.

Partitions of one number share customers. Read together, and the oldest records first, a flush has many events
of few customers and not one of many, so that it reads, writes and inserts fewer of them. Topics that are read
at speeds of their own would drift apart, and what is told of a customer would wait for the slowest.

    website/0   a.a..b.a.c..d      first flush   of 0, all up to some instant
    chat/0      .a...b.....d.      second        of 1
    website/1   e..f.e...f..g      ...
    chat/1      .....f...f...      nth           of 0 again, from that instant on

Without a backlog there is nothing to choose: everything that has come is read.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from aiokafka import ConsumerRecord
from faust.types import TP

#: Topics are in step to within so many records.
_STEP_RECORDS: Final = 500
#: How long others wait for a partition that is behind, whose leader may be gone.
_PATIENCE_SECONDS: Final = 1.0


class Fetched(Protocol):
    """What the broker has sent by now."""

    async def take(self, tp: TP, max_records: int) -> list[ConsumerRecord]:
        """The next records of a partition, none if they are not here."""

    def is_at_end(self, tp: TP) -> bool:
        """Whether there are no more, as far as is known, at the broker either."""


class Turns:
    """Whose turn it is: each partition number is the first to be read for `run_records` records."""

    def __init__(self, run_records: int) -> None:
        self._run_records = run_records
        self._first = 0
        self._records = 0
        #: Append time of the last record read, in milliseconds.
        self._read_until_ms: dict[TP, int] = {}
        self._awaited_since: dict[TP, float] = {}

    async def read(
        self, active: Iterable[TP], max_records: int, fetched: Fetched, now_seconds: float
    ) -> dict[TP, list[ConsumerRecord]]:
        """Up to so many records of what is here, those of a partition in order of offset.

        `now_seconds` is by a clock that is never set.
        """
        found: dict[TP, list[ConsumerRecord]] = defaultdict(list)
        for tps in self._in_turn(active):
            while tps and max_records:
                tp = min(tps, key=lambda tp: self._read_until_ms.get(tp, 0))
                if records := await fetched.take(tp, min(max_records, _STEP_RECORDS)):
                    self._read_until_ms[tp] = records[-1].timestamp
                    self._awaited_since.pop(tp, None)
                    found[tp] += records
                    max_records -= len(records)
                    self._records += len(records)
                elif fetched.is_at_end(tp) or self._is_overdue(tp, now_seconds):
                    tps.remove(tp)
                else:
                    # It is behind the others, and more of it is on the way.
                    break
        return found

    def forget(self) -> None:
        """Reading starts anew, from somewhere else."""
        self._read_until_ms.clear()
        self._awaited_since.clear()

    def _is_overdue(self, tp: TP, now_seconds: float) -> bool:
        return now_seconds - self._awaited_since.setdefault(tp, now_seconds) > _PATIENCE_SECONDS

    def _in_turn(self, active: Iterable[TP]) -> Iterator[list[TP]]:
        by_number: dict[int, list[TP]] = defaultdict(list)
        for tp in active:
            by_number[tp.partition].append(tp)
        numbers = sorted(by_number)
        if numbers and self._records >= self._run_records:
            self._first, self._records = numbers[bisect(numbers, self._first) % len(numbers)], 0
        for number in sorted(numbers, key=lambda number: (number < self._first, number)):
            yield by_number[number]
