"""What happens to a request that brings events, step by step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

import structlog
from aiohttp import web

from streams.collector.answers import Refused
from streams.collector.auth import authenticate, check_origin, from_header
from streams.collector.body import read_body
from streams.collector.delivery import Delivery
from streams.collector.dialects import Dialect
from streams.collector.judging import Judged, refuse_if_all_malformed
from streams.collector.keys import WriteKey, WriteKeys
from streams.collector.limits import Limiter
from streams.collector.metrics import Metrics
from streams.collector.seen import SeenTimes
from streams.collector.segment import Sender
from streams.collector.taking import Received

log = structlog.get_logger(__name__)

MAX_IN_FLIGHT: Final = 256
"""Requests being read, mapped or delivered at once; each holds a few MiB at most."""
_PAUSE_EVERY: Final = 100
"""Messages after which other requests get their turn."""


class Requests:
    """Takes requests, at most `MAX_IN_FLIGHT` at once."""

    def __init__(self, keys: WriteKeys, delivery: Delivery, metrics: Metrics) -> None:
        self._keys = keys
        self._delivery = delivery
        self._metrics = metrics
        self._seen = SeenTimes()
        self._limiters = {key: Limiter(key.allowance) for key in keys.all}
        self._in_flight = 0
        self._none_in_flight = asyncio.Event()
        self._none_in_flight.set()

    async def take(self, http: web.Request, dialect: Dialect) -> None:
        """Return once Kafka has acknowledged every message of the request.

        Raises:
            Refused: nothing has been taken, or (503) it is not known.
        """
        if self._in_flight >= MAX_IN_FLIGHT:
            raise Refused(429, "overloaded", "too many requests at once; send again", 1.0)
        self._enter(1)
        try:
            await self._take(http, dialect)
        finally:
            self._enter(-1)

    async def finished(self) -> None:
        """Return as soon as no request is in flight."""
        await self._none_in_flight.wait()

    def _enter(self, requests: int) -> None:
        self._in_flight += requests
        self._metrics.in_flight.set(self._in_flight)
        if self._in_flight:
            self._none_in_flight.clear()
        else:
            self._none_in_flight.set()

    async def _take(self, http: web.Request, dialect: Dialect) -> None:
        # 1 A header with a wrong key is refused before its body is read.
        header_key = from_header(http.headers.get("Authorization", ""))
        if header_key is not None:
            authenticate(self._keys, header_key, None)
        # 2 Read and open the body, within its limits.
        body = await read_body(http.content, http.headers.get("Content-Encoding", ""))
        envelope, messages = dialect.open(body)
        # 3 Who sends, from which page, and may they send that much?
        key = authenticate(self._keys, header_key, envelope.writeKey)
        check_origin(key, http.headers.get("Origin", ""))
        limiter = self._limiters[key]
        limiter.spend(len(messages), time.time())
        # 4 Map, time and judge every message before anything is sent.
        sender = Sender(key.source, key.currency, http.headers.get("User-Agent", ""), envelope.context)
        now_ms = time.time_ns() // 1_000_000
        received = Received(messages, dialect.kind, envelope.sentAt, sender, hash(key), now_ms)
        judged = await _all(dialect.take(received, self._seen))
        refuse_if_all_malformed(judged, dialect.names, is_batch=dialect.is_batch)
        # 5 To Kafka. Nobody is told of success before it has acknowledged everything.
        try:
            await self._delivery.deliver([one.record for one in judged])
        except Refused:
            limiter.refund(len(messages))
            raise
        self._count(key, judged)

    def _count(self, key: WriteKey, judged: Sequence[Judged]) -> None:
        reasons = [one.rejection.reason.value for one in judged if one.rejection is not None]
        if reasons:
            log.warning(
                "messages_set_aside", source=key.source, count=len(reasons), reasons=sorted(set(reasons))
            )
            self._metrics.events.labels(key.source, "set_aside").inc(len(reasons))
        self._metrics.events.labels(key.source, "accepted").inc(len(judged) - len(reasons))
        bots = sum(one.is_bot for one in judged)
        if bots:
            self._metrics.bots.labels(key.source).inc(bots)


async def _all(judged: Iterator[Judged]) -> list[Judged]:
    taken: list[Judged] = []
    for one in judged:
        taken.append(one)
        if len(taken) % _PAUSE_EVERY == 0:
            await asyncio.sleep(0)
    return taken
