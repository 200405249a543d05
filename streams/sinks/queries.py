"""How a sink asks ClickHouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from clickhouse_connect.driver.client import Client

_SETTINGS: Final = {"max_query_size": 16 * 1024 * 1024}


def rows(client: Client, query: str, **parameters: Any) -> Sequence[Sequence[Any]]:
    """Rows of a query with `%(name)s` for parameters, which may be thousands of ids."""
    # Bound by the client into the body: as URL parameters thousands of ids would exceed a server's limits.
    return client.query(query, parameters=parameters, settings=_SETTINGS).result_rows
