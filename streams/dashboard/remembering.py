"""Rows that cost much and change slowly, kept for a while."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, NamedTuple

from streams.dashboard.subject import Row, Rows

Question = tuple[str, tuple[tuple[str, Any], ...]]

#: So long rows are good enough; and for 9 times as long as asking took, so that it takes a tenth of the time.
_FRESH_SECONDS: Final = 30.0
_OF_THE_TIME: Final = 9.0
#: For another so long they are shown while others are asked for.
_GRACE_SECONDS: Final = 60.0


class _Kept(NamedTuple):
    rows: list[Row]
    at_seconds: float
    took_seconds: float

    @property
    def fresh_until(self) -> float:
        return self.at_seconds + max(_FRESH_SECONDS, _OF_THE_TIME * self.took_seconds)


class Remembering:
    """Asks `source` at most every half minute for each question, whoever asks and however often.

    It keeps the rows of every question that it was asked: have it asked only a few different ones.
    """

    def __init__(self, source: Rows) -> None:
        self._source = source
        self._kept: dict[Question, _Kept] = {}
        self._asking: dict[Question, asyncio.Task[list[Row]]] = {}

    async def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """See `Rows`. Once they are no longer fresh, rows of before are given while others are asked for."""
        question = (sql, tuple(sorted(parameters.items())))
        kept, now = self._kept.get(question), time.monotonic()
        if kept is not None and now < kept.fresh_until:
            return kept.rows
        task = self._asking.get(question) or self._begin(question)
        if kept is not None and now < kept.fresh_until + _GRACE_SECONDS:
            return kept.rows
        # Whoever gives up waiting does not end what others wait for.
        return await asyncio.shield(task)

    def _begin(self, question: Question) -> asyncio.Task[list[Row]]:
        task = asyncio.create_task(self._ask(question))
        self._asking[question] = task
        task.add_done_callback(lambda done: self._end(question, done))
        return task

    async def _ask(self, question: Question) -> list[Row]:
        sql, parameters = question
        started = time.monotonic()
        rows = await self._source.rows(sql, **dict(parameters))
        now = time.monotonic()
        self._kept[question] = _Kept(rows, now, now - started)
        return rows

    def _end(self, question: Question, done: asyncio.Task[list[Row]]) -> None:
        """What went wrong is told to those who wait, if anybody does; the next one to ask tries again."""
        del self._asking[question]
        if not done.cancelled():
            done.exception()
