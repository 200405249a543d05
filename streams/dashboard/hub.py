"""Looks that everybody who listens shares: one for each subject, however many pages show it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import orjson
import structlog

from streams.dashboard.metrics import Metrics
from streams.dashboard.refusals import Refused, error_body
from streams.dashboard.subject import Answer, Look, Subject, Views

log = structlog.get_logger("streams.dashboard")

MOST_LISTENERS: Final = 200
TASK_NAME: Final = "look"
#: Pauses are so many times as long as looks, or longer: looking takes a fifth of the time at most.
_PAUSE_PER_LOOK: Final = 4.0
#: Of the usual length of a look, how much the newest one says. One long look does not make a long pause.
_NEWEST: Final = 0.25
#: An answer in which nothing but `as_of` is new is sent this often.
_SAME_AGAIN_SECONDS: Final = 5.0


class Pace:
    """When to look again: on time, or so late that looking is a fifth of the time in the long run."""

    def __init__(self, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        # Not that of the first look, which has everything to ask for.
        self._usual_seconds = 0.0

    def pause_seconds(self, look_seconds: float) -> float:
        """From the end of a look that took so long until the next one."""
        self._usual_seconds += _NEWEST * (look_seconds - self._usual_seconds)
        return max(self._every_seconds - look_seconds, _PAUSE_PER_LOOK * self._usual_seconds)


class State(NamedTuple):
    """The newest thing to tell about a subject: an answer, or why there is none."""

    number: int
    body: bytes
    refused: Refused | None


class Topic:
    """A subject that somebody listens to. It is looked at until `stop`."""

    def __init__(self, subject: Subject, views: Views, metrics: Metrics) -> None:
        self.listeners = 0
        self.last: Look | None = None
        self.subject = subject
        self._views = views
        self._metrics = metrics
        self._state = State(0, b"", None)
        self._told: tuple[Answer | str, float] = ("", 0.0)
        self._news = asyncio.Event()
        self._looking = asyncio.create_task(self._look_again_and_again(), name=TASK_NAME)

    async def news(self, number: int) -> State | None:
        """The newest state, as soon as it is another one than that of this number (0: any); None at the end.

        Whoever asks rarely misses what was in between, and nothing piles up for them.
        """
        while self._state.number == number:
            if self._looking.done():
                return None
            await self._news.wait()
        return self._state

    def stop(self) -> None:
        """Look no more, and let all who listen know."""
        self._looking.cancel()
        self._looking.add_done_callback(lambda _: self._news.set())

    async def _look_again_and_again(self) -> None:
        pace = Pace(self.subject.every_seconds)
        while True:
            started = time.monotonic()
            await self._look()
            seconds = time.monotonic() - started
            self._metrics.look_seconds.labels(type(self.subject).__name__.lower()).observe(seconds)
            await asyncio.sleep(pace.pause_seconds(seconds))

    async def _look(self) -> None:
        try:
            self.last = await self.subject.look(self._views, self.last)
        except Refused as refused:
            self._tell_problem(refused)
        except Exception as error:
            # A defect. Its kind is logged, not its text: that may hold a customer's data.
            log.error("look_failed", kind=type(error).__name__, subject=type(self.subject).__name__)
            self._tell_problem(Refused(500, "a defect of the dashboard; its log says more"))
        else:
            self._tell(self.last.answer)

    def _tell(self, answer: Answer) -> None:
        now, content = time.monotonic(), {**answer, "as_of": None}
        told, told_at = self._told
        if content == told and now - told_at < _SAME_AGAIN_SECONDS:
            return
        body = orjson.dumps(answer)
        if content != told or body != self._state.body:
            self._told = (content, now)
            self._publish(body, None)

    def _tell_problem(self, refused: Refused) -> None:
        if self._told[0] != refused.message:
            self._told = (refused.message, time.monotonic())
            self._publish(error_body(refused.message), refused)

    def _publish(self, body: bytes, refused: Refused | None) -> None:
        self._state = State(self._state.number + 1, body, refused)
        self._news.set()
        self._news = asyncio.Event()


class Hub:
    """All topics that somebody listens to."""

    def __init__(self, views: Views, metrics: Metrics) -> None:
        self._views = views
        self._metrics = metrics
        self._topics: dict[Subject, Topic] = {}
        self._listeners = 0
        self._closed = False

    async def look(self, subject: Subject) -> Answer:
        """Look once, now. Raises as `Subject.look` does."""
        topic = self._topics.get(subject)
        return (await subject.look(self._views, topic.last if topic else None)).answer

    @contextmanager
    def listening(self, subject: Subject) -> Iterator[Topic]:
        """The subject's topic; it is looked at as long as somebody is in such a block.

        Raises:
            Refused: 503, too many listen, or the server is stopping.
        """
        if self._closed or self._listeners >= MOST_LISTENERS:
            raise Refused(503, f"at most {MOST_LISTENERS} pages can be live at once; close some")
        topic = self._topics.get(subject) or self._begin(subject)
        self._count(topic, +1)
        try:
            yield topic
        finally:
            self._count(topic, -1)

    def close(self) -> None:
        """End all looks; whoever listens is told so, and nobody else may begin."""
        self._closed = True
        for topic in self._topics.values():
            topic.stop()

    def _begin(self, subject: Subject) -> Topic:
        topic = self._topics[subject] = Topic(subject, self._views, self._metrics)
        return topic

    def _count(self, topic: Topic, more: int) -> None:
        topic.listeners += more
        self._listeners += more
        if topic.listeners == 0:
            topic.stop()
            del self._topics[topic.subject]
        self._metrics.listeners.set(self._listeners)
        self._metrics.topics.set(len(self._topics))
