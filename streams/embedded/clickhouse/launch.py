"""How a supervisor starts the front. Imports neither chDB nor aiohttp."""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Callable
from pathlib import Path

from streams.errors import ClickHouseUnavailable


def command(path: Path, port: int) -> list[str]:
    """The argv that serves the database in `path` on `127.0.0.1:port`."""
    return [sys.executable, "-m", "streams.embedded.clickhouse", "--path", str(path), "--port", str(port)]


def wait_until_ready(port: int, timeout_seconds: float, alive: Callable[[], bool] = lambda: True) -> None:
    """Block until the front on `port` answers `/ping`; `alive` tells whether its process still runs.

    Raises:
        ClickHouseUnavailable: it did not answer in time, or its process ended.
    """
    deadline = time.monotonic() + timeout_seconds
    while not _answers(port):
        if not alive():
            raise ClickHouseUnavailable(
                f"The embedded ClickHouse for port {port} ended while starting; its last line says why."
            )
        if time.monotonic() > deadline:
            raise ClickHouseUnavailable(
                f"ClickHouse on port {port} did not answer within {timeout_seconds:g} s; read its log."
            )
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
