"""One way to open a Kafka admin client, for commands and for waiting until a broker serves."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    KafkaError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from streams.errors import KafkaUnavailable
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
        KafkaUnavailable: no broker answers within `timeout_seconds`, it refuses the login, its certificate is
            not trusted, or Kafka fails within the block.
    """
    deadline = time.monotonic() + timeout_seconds
    # First see that somebody listens, and by a certificate that is trusted: kafka-python tries until its
    # time is up, and then does not say why.
    while not any(_listens(brokers, server) for server in brokers.servers):
        if not wait_for_listener or time.monotonic() >= deadline:
            raise brokers.unavailable("nobody listens there")
        time.sleep(_PAUSE_SECONDS)
    try:
        with _open(brokers, max(1.0, deadline - time.monotonic())) as client:
            yield client
    except (SaslAuthenticationFailedError, UnsupportedSaslMechanismError) as error:
        raise brokers.refused(error) from error
    except KafkaError as error:
        raise brokers.unanswered(type(error).__name__) from error


def why_unavailable(brokers: Brokers) -> str | None:
    """One line that says why there is no connection now; None if there is one."""
    try:
        with kafka_admin(brokers, _CONNECT_TIMEOUT_SECONDS, wait_for_listener=False):
            return None
    except KafkaUnavailable as error:
        return str(error)


def _listens(brokers: Brokers, server: str) -> bool:
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT_SECONDS) as connection:
            if brokers.tls is not None:
                brokers.tls.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLError as error:
        raise brokers.untrusted(error) from error
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
