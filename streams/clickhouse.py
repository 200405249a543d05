"""One way to open a ClickHouse client, for commands, migrations and the sink."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.config import Settings
from streams.errors import ClickHouseUnavailable


def connect(settings: Settings, *, database: str | None = None, **options: Any) -> Client:
    """Open a client over HTTP; without `database`, in the database that the URL names.

    `autogenerate_session_id=False`: ClickHouse refuses concurrent queries within one session.

    Raises:
        ClickHouseUnavailable: nothing answers, or it refuses the user.
    """
    url = urlsplit(settings.clickhouse_url)
    try:
        return clickhouse_connect.get_client(
            host=url.hostname,
            port=url.port or (8443 if url.scheme == "https" else 8123),
            secure=url.scheme == "https",
            username=settings.clickhouse_user,
            password=settings.clickhouse_password.get_secret_value(),
            database=database or settings.clickhouse_database,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=settings.clickhouse_timeout_seconds,
            **options,
        )
    except ClickHouseError as error:
        reason = str(error).strip().splitlines()[0]
        raise ClickHouseUnavailable(
            f"ClickHouse at {url.scheme}://{url.hostname}:{url.port or ''} does not serve: {reason}. "
            "Start it (`engage up`) or set ENGAGE_CLICKHOUSE_URL."
        ) from error
