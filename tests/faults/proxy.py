"""Stands between a worker and ClickHouse, and does harm to the worker's inserts on command.

It speaks HTTP, so that it knows when an insert begins and when ClickHouse has applied it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from streams.embedded.ports import LOOPBACK

T = TypeVar("T")

#: Is given the request, what forwards it, and what breaks the connection; returns the response.
Harm = Callable[["Insert"], Awaitable[web.StreamResponse]]

_BODY_LIMIT_BYTES = 1 << 30
#: One of the settings that the sink gives to each insert and to nothing else.
_MARK = "insert_deduplicate"
_DROPPED = ("Transfer-Encoding", "Content-Length", "Connection", "Host")


class Insert:
    """One request on its way to ClickHouse."""

    def __init__(self, proxy: Proxy, request: web.Request, body: bytes) -> None:
        self._proxy = proxy
        self._request = request
        self._body = body

    async def forward(self) -> web.StreamResponse:
        """Let ClickHouse answer."""
        return await self._proxy.forward(self._request, self._body)

    async def healed(self) -> None:
        """Wait until the harm is over."""
        await self._proxy.healed.wait()

    def break_off(self) -> web.StreamResponse:
        """Close the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()
        return web.Response()


class Proxy:
    """An HTTP proxy in a thread of its own.

    `harmed` counts the inserts that harm was done to, `under_way` those among them that are still going on.
    """

    def __init__(self, clickhouse_port: int) -> None:
        self._upstream = f"http://{LOOPBACK}:{clickhouse_port}"
        self._harm: Harm | None = None
        self._left = self._skip = 0
        self.harmed = 0
        self.under_way = 0
        self.port = 0
        self.healed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._in_loop(self._start())

    def harm(self, harm: Harm, times: int = 1 << 30, skip: int = 0) -> None:
        """Do this to so many inserts, after letting the next `skip` pass."""
        self._harm, self._left, self._skip = harm, times, skip

    def heal(self) -> None:
        self._harm = None
        self._loop.call_soon_threadsafe(self.healed.set)

    def close(self) -> None:
        self._in_loop(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # -- in the loop -----------------------------------------------------------------------------

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        self._session = ClientSession(auto_decompress=False, timeout=ClientTimeout(total=None))
        app = web.Application(client_max_size=_BODY_LIMIT_BYTES)
        app.router.add_route("*", "/{anything:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, LOOPBACK, 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        insert = Insert(self, request, await request.read())
        harm = self._harm
        try:
            if harm is None or self._left <= 0 or _MARK not in request.query_string:
                return await insert.forward()
            if self._skip:
                self._skip -= 1
                return await insert.forward()
            self._left -= 1
            return await self._do(harm, insert)
        except (ClientError, OSError):
            # ClickHouse is away.
            return insert.break_off()

    async def _do(self, harm: Harm, insert: Insert) -> web.StreamResponse:
        self.harmed += 1
        self.under_way += 1
        try:
            return await harm(insert)
        finally:
            self.under_way -= 1

    async def forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name not in _DROPPED}
        async with self._session.request(
            request.method, self._upstream + request.raw_path, data=body, headers=headers
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name not in _DROPPED}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


# -- what can be done to an insert -------------------------------------------------------------------


async def swallow(insert: Insert) -> web.StreamResponse:
    """A black hole: not a word until the harm is over."""
    await insert.healed()
    return insert.break_off()


def delay(seconds: float) -> Harm:
    """It arrives late, perhaps after the client has given up and tried again."""

    async def delayed(insert: Insert) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await insert.forward()

    return delayed


async def drop_the_response(insert: Insert) -> web.StreamResponse:
    """It is applied, and the client never hears of it."""
    await insert.forward()
    return insert.break_off()


async def answer_500(insert: Insert) -> web.StreamResponse:
    """As ClickHouse does when it is out of memory, nothing applied."""
    text = "Code: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)"
    return web.Response(status=500, text=text, headers={"X-ClickHouse-Exception-Code": "241"})


async def answer_502(insert: Insert) -> web.StreamResponse:
    """As a load balancer does when nobody is behind it."""
    return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")


def before(action: Callable[[], None]) -> Harm:
    """Something happens just before the insert would have reached ClickHouse."""

    async def act(insert: Insert) -> web.StreamResponse:
        await asyncio.to_thread(action)
        return insert.break_off()

    return act


def after(action: Callable[[], None]) -> Harm:
    """Something happens just after the insert was applied, and before the client hears of it."""

    async def act(insert: Insert) -> web.StreamResponse:
        await insert.forward()
        await asyncio.to_thread(action)
        return insert.break_off()

    return act
