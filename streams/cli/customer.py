"""`engage customer`: one customer at a glance."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.config import load_settings


def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="A visitor not known yet is anon:ID.")],
) -> None:
    """Show one customer: scores, when seen where, rolling windows, revenue, newest orders and sessions.

    Times are UTC, money is net of refunds. An unknown id ends with status 1.
    """
    from streams.cli.display import customer_page
    from streams.cli.results import page_console
    from streams.ops.clickhouse_client import open_client
    from streams.ops.customer import read_customer

    with open_client(load_settings()) as client:
        found = read_customer(client, customer_id)
    page_console().print(customer_page(found))
