"""The live page as a child of `engage up`."""

from __future__ import annotations

import sys
import urllib.request
from typing import Final

from streams.config import Settings
from streams.embedded.child import Child
from streams.embedded.ports import LOOPBACK
from streams.embedded.unsecured import UNSECURED_ENVIRONMENT

#: The user whom the embedded ClickHouse keeps to the views; it has no password.
_READER: Final = {
    "ENGAGE_DASHBOARD_CLICKHOUSE_USER": "bi_reader",
    "ENGAGE_DASHBOARD_CLICKHOUSE_PASSWORD": "",
    "ENGAGE_DASHBOARD_CLICKHOUSE_PASSWORD_FILE": "",
}
# A look, not a wait: the supervisor has other children to look after.
_LOOK_SECONDS: Final = 0.5


def dashboard_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/"


def dashboard_child(settings: Settings, port: int) -> Child:
    """`engage dashboard` on loopback; whether it asks for a token is left to the environment."""
    return Child(
        "dashboard",
        [sys.executable, "-m", "streams.cli", "dashboard", "--host", LOOPBACK, "--port", str(port)],
        answers=lambda: _answers(f"{dashboard_url(port)}livez"),
        environment={"ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url, **UNSECURED_ENVIRONMENT, **_READER},
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_LOOK_SECONDS):  # noqa: S310 (always http)
            return True
    except OSError:
        return False
