"""Server-sent events: what a topic has to tell, for one page that listens."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import ClientConnectionResetError, web

from streams.dashboard.hub import State, Topic
from streams.dashboard.refusals import Refused

_COMMENT_SECONDS: Final = 15.0
#: A page that takes nothing for so long is gone.
_WRITE_SECONDS: Final = 30.0
_RETRY: Final = b"retry: 2000\n\n"
#: nginx would keep events back otherwise.
_HEADERS: Final = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


async def stream(request: web.Request, topic: Topic) -> web.StreamResponse:
    """Send each state until the page or the server goes away. A page that reads slowly gets the newest only.

    Raises:
        Refused: at the start: there is no such thing, or the server is stopping.
    """
    state = await topic.news(0)
    if state is None:
        raise Refused(503, "the dashboard is stopping")
    if state.refused is not None and state.refused.status == 404:
        raise state.refused
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    try:
        await _write(response, _RETRY)
        while state is not None:
            await _write(response, event(state))
            state = await _next(response, topic, state.number)
    except (asyncio.TimeoutError, ClientConnectionResetError):
        if request.transport is not None:
            request.transport.abort()
    return response


def event(state: State) -> bytes:
    """One event; JSON of one line, so it is one line of data."""
    name = b"event: problem\n" if state.refused is not None else b""
    return name + b"data: " + state.body + b"\n\n"


async def _next(response: web.StreamResponse, topic: Topic, number: int) -> State | None:
    """The next state; a comment every 15 seconds meanwhile, so that nobody in between gives up."""
    while True:
        try:
            return await asyncio.wait_for(topic.news(number), _COMMENT_SECONDS)
        except asyncio.TimeoutError:
            await _write(response, b":\n\n")


async def _write(response: web.StreamResponse, data: bytes) -> None:
    await asyncio.wait_for(response.write(data), _WRITE_SECONDS)
