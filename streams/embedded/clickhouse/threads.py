"""The threads in which the engine works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_WORKERS = 16
# Each may hold a whole body, however small it came.
_UNPACKERS = 2
_T = TypeVar("_T")
_P = ParamSpec("_P")


class Threads:
    """Workers for queries; a few threads apart for unpacking bodies, and one for ending queries.

    Neither waits for a free worker.
    """

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="query")
        self._unpackers = ThreadPoolExecutor(_UNPACKERS, thread_name_prefix="unpack")
        self._controller = ThreadPoolExecutor(1, thread_name_prefix="control")

    def submit(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        return self._workers.submit(work, *args, **kwargs)

    async def run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.wrap_future(self._workers.submit(work, *args, **kwargs))

    async def unpack(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.wrap_future(self._unpackers.submit(work, *args, **kwargs))

    async def control(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """To the end also if the caller is cancelled."""
        return await asyncio.shield(asyncio.wrap_future(self._controller.submit(work, *args, **kwargs)))

    def close(self) -> None:
        self._unpackers.shutdown(wait=True)
        self._workers.shutdown(wait=True)
        self._controller.shutdown(wait=True)
