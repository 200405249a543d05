"""Whether a worker lives, and whether it does its work."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from typing import Final

from streams.pipeline import Pipeline

#: Folding one flush keeps the event loop busy for a second or two at most.
_STUCK_SECONDS: Final = 60.0
#: ClickHouse that is away holds a flush up; then others should not rely on this worker.
_SLOW_FLUSH_SECONDS: Final = 60.0
_CONNECT_SECONDS: Final = 2.0
_BEAT_SECONDS: Final = 1.0


class WorkerHealth:
    """Asked from other threads than the worker's own, which runs `beat`. `servers`: Kafka's, `host:port`."""

    def __init__(self, servers: Sequence[str], pipeline: Pipeline, ready: asyncio.Event) -> None:
        self._servers = [server.rpartition(":") for server in servers]
        self._pipeline = pipeline
        self._ready = ready
        self._beat_at = time.monotonic()

    async def beat(self) -> None:
        """Show, until cancelled, that the event loop turns."""
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)

    def not_alive(self) -> str:
        silent_seconds = time.monotonic() - self._beat_at
        is_alive = silent_seconds < _STUCK_SECONDS
        return "" if is_alive else f"the event loop has stood still for {silent_seconds:.0f} s"

    def not_ready(self) -> str:
        if not self._ready.is_set():
            return "state is not recovered yet"
        if (since := self._pipeline.flushing_since) is not None:
            seconds = time.monotonic() - since
            if seconds > _SLOW_FLUSH_SECONDS:
                return f"a flush has not ended for {seconds:.0f} s"
        return "" if any(map(self._answers, self._servers)) else "Kafka does not answer"

    @staticmethod
    def _answers(server: tuple[str, str, str]) -> bool:
        host, _, port = server
        try:
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
        except OSError:
            return False
        return True
