"""Facts as they were at one moment, in temporary tables of a session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Template
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from streams.ops.verify.checks import BY_CUSTOMER, CUSTOMER, Check
from streams.ops.verify.compare import Table

#: Customers that are looked at: all of them, and those of the present part.
SCOPE: Final = "scope"
PART: Final = "part"
_SAMPLE: Final = """
SELECT customer_id FROM (SELECT customer_id FROM facts UNION DISTINCT SELECT customer_id FROM v_customer_360)
ORDER BY rand64() LIMIT {n:UInt64}
"""
_IDS: Final = Template("SELECT customer_id FROM $table")
_IDS_IN_SCOPE: Final = Template(
    "SELECT customer_id FROM $table WHERE customer_id IN (SELECT customer_id FROM scope)"
)


class Snapshot:
    """Makes the tables of the prelude, and asks the session's client for both sides of a check."""

    def __init__(self, client: Client, prelude: Mapping[str, str]) -> None:
        self._client = client
        self._prelude = prelude

    def take(self, customers: Iterable[str] | None) -> None:
        """Read the facts of these customers, or of all; they replace those read before."""
        self.choose(SCOPE, customers or ())
        parameters = {"is_all": int(customers is None), "as_of": self.as_of()}
        for table in self._prelude:
            self._client.command(f"DROP TEMPORARY TABLE IF EXISTS {table}")
        for table, select in self._prelude.items():
            order = CUSTOMER if table in (*BY_CUSTOMER, "once") else "tuple()"
            self._client.command(
                f"CREATE TEMPORARY TABLE {table} ENGINE = MergeTree ORDER BY {order} AS {select}",
                parameters=parameters,
            )
        self._client.command("DROP TEMPORARY TABLE once")

    def as_of(self) -> str:
        """`v_clock.as_of`, as text."""
        return str(self._rows("SELECT toString(as_of) FROM v_clock")[0][0])

    def choose(self, table: str, customers: Iterable[str]) -> None:
        """Fill `scope` or `part`."""
        self._client.command(f"DROP TEMPORARY TABLE IF EXISTS {table}")
        self._client.command(
            f"CREATE TEMPORARY TABLE {table} ({CUSTOMER} String) ENGINE = MergeTree ORDER BY {CUSTOMER}"
        )
        rows = [[customer] for customer in customers]
        if rows:
            self._client.insert(table, rows, column_names=[CUSTOMER], column_type_names=["String"])

    def sample(self, n: int) -> list[str]:
        """`n` customers at random, of those in the facts and those that are shown."""
        return [row[0] for row in self._rows(_SAMPLE, n=n)]

    def everyone(self, checks: Iterable[Check], *, in_scope: bool = False) -> list[str]:
        """All customers in the facts, and all that any of the checked views shows; or those in `scope`."""
        tables = ["facts", *(check.view for check in checks if check.is_by_customer)]
        ids = _IDS_IN_SCOPE if in_scope else _IDS
        return [
            row[0] for row in self._rows(" UNION DISTINCT ".join(ids.substitute(table=t) for t in tables))
        ]

    def both(self, check: Check, customers: str) -> tuple[Table, Table]:
        """What the view shows and what the facts say, for the same `as_of`."""
        as_of = self.as_of()
        published = self._table(check.published(customers))
        return published, self._table(check.statement(customers), as_of=as_of)

    def _table(self, sql: str, **parameters: Any) -> Table:
        result = self._client.query(sql, parameters=parameters)
        return Table(tuple(result.column_names), result.result_rows)

    def _rows(self, sql: str, **parameters: Any) -> list[Any]:
        return list(self._client.query(sql, parameters=parameters).result_rows)
