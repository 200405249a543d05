"""One way to open a Kafka admin client, for commands and for waiting until a broker serves."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from streams.errors import KafkaUnavailable

_CONNECT_TIMEOUT_SECONDS = 2.0
_PAUSE_SECONDS = 0.05
_REQUEST_TIMEOUT_SECONDS = 15.0


@contextmanager
def kafka_admin(
    bootstrap: str, timeout_seconds: float, *, wait_for_listener: bool = True
) -> Iterator[KafkaAdminClient]:
    """An admin client of the brokers `host:port,…`, closed at the end of the block.

    Without `wait_for_listener` it gives up at once when nobody listens at all.

    Raises:
        KafkaUnavailable: no broker answers within `timeout_seconds`, or Kafka fails within the block.
    """
    deadline = time.monotonic() + timeout_seconds
    # First see that somebody listens: when kafka-python's constructor fails, it leaves a thread and a socket.
    while not any(_listens(server) for server in bootstrap.split(",")):
        if not wait_for_listener or time.monotonic() >= deadline:
            raise _unavailable(bootstrap, "nobody listens there")
        time.sleep(_PAUSE_SECONDS)
    try:
        with _open(bootstrap, max(1.0, deadline - time.monotonic())) as client:
            yield client
    except KafkaError as error:
        raise _unavailable(bootstrap, type(error).__name__) from error


def _listens(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


def _open(bootstrap: str, timeout_seconds: float) -> KafkaAdminClient:
    return KafkaAdminClient(
        bootstrap_servers=bootstrap.split(","),
        bootstrap_timeout_ms=int(timeout_seconds * 1000),
        request_timeout_ms=int(_REQUEST_TIMEOUT_SECONDS * 1000),
    )


def _unavailable(bootstrap: str, reason: str) -> KafkaUnavailable:
    return KafkaUnavailable(
        f"Kafka at {bootstrap} does not serve ({reason}). "
        "Start it (`engage up`) or set ENGAGE_KAFKA_BOOTSTRAP."
    )
