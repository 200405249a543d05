"""Everything the views say about one customer."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from schemas.fields import ANONYMOUS_PREFIX
from streams.errors import EngageError

Row = dict[str, Any]

_IS_KNOWN: Final = "SELECT count() FROM v_customer_360 WHERE customer_id = {customer_id:String}"
_STATE: Final = "SELECT * FROM v_customer_360 WHERE customer_id = {customer_id:String}"
_WINDOWS: Final = "SELECT * FROM v_customer_windows WHERE customer_id = {customer_id:String}"
_REVENUE: Final = "SELECT * FROM v_customer_revenue WHERE customer_id = {customer_id:String}"
_ORDERS: Final = """
SELECT * FROM v_orders WHERE customer_id = {customer_id:String}
ORDER BY ordered_at DESC, order_id LIMIT {newest:UInt32}
"""
_SESSIONS: Final = """
SELECT * FROM v_sessions WHERE customer_id = {customer_id:String}
ORDER BY started_at DESC, session_id LIMIT {newest:UInt32}
"""


class CustomerView(NamedTuple):
    """Rows of the views of the same names; `orders` and `sessions` are the newest ones."""

    state: Row
    windows: list[Row]
    revenue: list[Row]
    orders: list[Row]
    sessions: list[Row]


def read_customer(client: Client, customer_id: str, newest: int = 5) -> CustomerView:
    """Read one customer.

    Raises:
        EngageError: there is no such customer.
    """
    parameters = {"customer_id": customer_id, "newest": newest}
    state, windows, revenue, orders, sessions = (
        list(client.query(sql, parameters=parameters).named_results())
        for sql in (_STATE, _WINDOWS, _REVENUE, _ORDERS, _SESSIONS)
    )
    if not state:
        raise _unknown(customer_id)
    return CustomerView(state[0], windows, revenue, orders, sessions)


def check_known(client: Client, customer_id: str) -> None:
    """Raise EngageError if no event of this customer has been seen."""
    if not client.query(_IS_KNOWN, parameters={"customer_id": customer_id}).result_rows[0][0]:
        raise _unknown(customer_id)


def _unknown(customer_id: str) -> EngageError:
    return EngageError(
        f"no customer {customer_id!r}: give the id as it was sent, or {ANONYMOUS_PREFIX}ID "
        "for an anonymous visitor"
    )
