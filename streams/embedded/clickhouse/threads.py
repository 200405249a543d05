"""The threads in which the engine works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_WORKERS = 16
_T = TypeVar("_T")
_P = ParamSpec("_P")


class Threads:
    """Workers for queries, and one thread apart for ending them, which must not wait for a free worker."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="query")
        self._controller = ThreadPoolExecutor(1, thread_name_prefix="control")

    def submit(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        return self._workers.submit(work, *args, **kwargs)

    async def run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await asyncio.wrap_future(self._workers.submit(work, *args, **kwargs))

    async def control(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """To the end also if the caller is cancelled."""
        return await asyncio.shield(asyncio.wrap_future(self._controller.submit(work, *args, **kwargs)))

    def close(self) -> None:
        self._workers.shutdown(wait=True)
        self._controller.shutdown(wait=True)
