"""A client with a session of its own, as temporary tables need one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.config import Settings
from streams.ops.clickhouse_client import open_client

#: Queries over all facts take their time.
_QUERY_SECONDS: Final = 3_600.0
_IDLE_SECONDS: Final = 600


@contextmanager
def open_session(settings: Settings) -> Iterator[Client]:
    """Like `open_client`; what was set and made in the session is gone when the block has ended."""
    patient = settings.model_copy(update={"clickhouse_timeout_seconds": _QUERY_SECONDS})
    with open_client(patient) as client:
        client.set_client_setting("session_id", uuid.uuid4().hex)
        client.set_client_setting("session_timeout", _IDLE_SECONDS)
        yield client
        # Temporary tables hold all facts: they need not wait for the session to be idle for long.
        client.set_client_setting("session_timeout", 1)
        client.command("SELECT 1")
