"""Batches that wait to be flushed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from streams.transport import RecordBatch


class FlushLimits(NamedTuple):
    """A flush takes about `max_records` at most, and waits `linger_seconds` for more once the first is there.

    As many may be waiting for the next one.
    """

    max_records: int = 50_000
    linger_seconds: float = 0.02


class Inbox:
    """A queue that is bounded by records, and read a flush at a time."""

    def __init__(self, limits: FlushLimits) -> None:
        self._limits = limits
        self._batches: deque[RecordBatch] = deque()
        self._records = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._woken = asyncio.Event()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._batches)

    async def put(self, batch: RecordBatch) -> None:
        """Queue a batch; waits while the queue is full, which is how back-pressure reaches the fetcher."""
        while not self._has_room.is_set():
            await self._has_room.wait()
        self._batches.append(batch)
        self._count(len(batch.records))
        self._woken.set()

    def wake(self) -> None:
        """Let `take` return, with nothing if nothing waits."""
        self._woken.set()

    async def take(self) -> list[RecordBatch]:
        """Wait for a batch, and a little longer for more of them; nothing if woken for nothing."""
        await self._woken.wait()
        if len(self._batches) == 1:
            await asyncio.sleep(self._limits.linger_seconds)
        return self.take_waiting()

    def take_waiting(self, beside: int = 0) -> list[RecordBatch]:
        """Everything that waits, up to the limit less what has been taken `beside` it."""
        batches: list[RecordBatch] = []
        records = 0
        while beside + records < self._limits.max_records and self._batches:
            batches.append(self._batches.popleft())
            records += len(batches[-1].records)
        self._count(-records)
        if not self._batches:
            self._woken.clear()
        return batches

    def _count(self, records: int) -> None:
        self._records += records
        if self._records < self._limits.max_records:
            self._has_room.set()
        else:
            self._has_room.clear()
