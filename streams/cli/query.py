"""`engage query`: one SQL statement."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.results import Format
from streams.config import load_settings


def query(
    sql: Annotated[str, typer.Argument(help="One statement; quote it for the shell.")],
    output_format: Format = None,
) -> None:
    """Run one SQL statement in ClickHouse and print its result.

    The views to read are `v_…`: try "SELECT * FROM v_customer_360 ORDER BY score DESC LIMIT 10".
    """
    from streams.cli.results import print_query
    from streams.ops.clickhouse_client import open_client

    with open_client(load_settings()) as client:
        print_query(client, sql, output_format)
