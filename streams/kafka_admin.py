"""One way to open a Kafka admin client, for commands and for waiting until a broker serves."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from streams.errors import KafkaRefused, KafkaUnavailable
from streams.kafka_security import Brokers

_CONNECT_TIMEOUT_SECONDS = 2.0
_PAUSE_SECONDS = 0.05
_REQUEST_TIMEOUT_SECONDS = 15.0


@contextmanager
def kafka_admin(
    brokers: Brokers, timeout_seconds: float, *, wait_for_listener: bool = True
) -> Iterator[KafkaAdminClient]:
    """An admin client, closed at the end of the block.

    Without `wait_for_listener` it gives up at once when nobody listens at all.

    Raises:
        KafkaUnavailable: no broker answers within `timeout_seconds`, or Kafka fails within the block.
        KafkaRefused: one answers, and does not let us in.
    """
    deadline = time.monotonic() + timeout_seconds
    while (problem := _problem(brokers)) is not None:
        is_final = isinstance(problem, KafkaRefused) or not wait_for_listener
        if is_final or time.monotonic() >= deadline:
            raise problem
        time.sleep(_PAUSE_SECONDS)
    try:
        with _open(brokers, max(1.0, deadline - time.monotonic())) as client:
            yield client
    except KafkaError as error:
        raise brokers.unanswered(type(error).__name__) from error


def _problem(brokers: Brokers) -> KafkaUnavailable | None:
    """Why there is no use in trying; asked first, because kafka-python tries and does not say."""
    if brokers.is_plain:
        is_there = any(map(_listens, brokers.servers))
        return None if is_there else brokers.unavailable("nobody listens there")
    # The caller's thread may run an event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _greeting(brokers)).result()


async def _greeting(brokers: Brokers) -> KafkaUnavailable | None:
    """See `why_unavailable`, in a loop of its own."""
    from streams.kafka_greeting import why_unavailable

    # What is wrong is returned. asyncio may print it as well, as the exception of a stream's own future, if
    # that happens to be collected before the stream.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    return await why_unavailable(brokers)


def _listens(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


class _AdminClient(KafkaAdminClient):  # type: ignore[misc]  # kafka-python has no types
    """When kafka-python's constructor fails, it leaves a thread and a socket."""

    def __init__(self, **configuration: Any) -> None:
        self._closed = False
        try:
            super().__init__(**configuration)
        except KafkaError:
            self.close()
            raise


def _open(brokers: Brokers, timeout_seconds: float) -> KafkaAdminClient:
    return _AdminClient(
        **brokers.arguments,
        bootstrap_timeout_ms=int(timeout_seconds * 1000),
        request_timeout_ms=int(_REQUEST_TIMEOUT_SECONDS * 1000),
    )
