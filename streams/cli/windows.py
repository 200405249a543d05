"""`engage windows`: a customer's rolling windows."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.results import Format
from streams.config import load_settings

_WINDOWS = """
SELECT channel, window_name, events, points, active_days, orders, conversations, messages
FROM v_customer_windows
WHERE customer_id = {customer_id:String}
ORDER BY channel, indexOf(['1h', '24h', '7d', '30d', '90d'], window_name)
"""


def windows(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="A visitor not known yet is anon:ID.")],
    output_format: Format = None,
) -> None:
    """Show a customer's events, points, orders and chats per channel in the last 1h, 24h, 7d, 30d and 90d.

    Windows without an event are absent. Times are UTC; windows are aligned to 5 minutes, hours and dates.
    """
    from streams.cli.results import print_query
    from streams.ops.clickhouse_client import open_client
    from streams.ops.customer import check_known

    with open_client(load_settings()) as client:
        check_known(client, customer_id)
        print_query(client, _WINDOWS, output_format, {"customer_id": customer_id})
