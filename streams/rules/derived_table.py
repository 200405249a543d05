"""A table whose rows follow from those of another one by the rules, row for row.

Each set of rules has a table of its own, named by the digest of its SELECT, and a materialized view that
fills it: two sets of rules never meet in one table. Views name the table as `${NAME}`, so they turn to other
rules when they are applied again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.rules.model import Rules
from streams.settings_table import read_setting, write_setting

_PAUSE_SECONDS: Final = 0.05
_ALL: Final = "all"
#: A hundred rules make a statement longer than what a server reads unless it is told otherwise.
_LONG_STATEMENT: Final = {"max_query_size": 16 << 20, "max_ast_elements": 1_000_000}

#: Of the table itself, not of system.parts: on a cluster its parts are on other nodes.
_PARTITIONS: Final = "SELECT DISTINCT _partition_id FROM {table:Identifier} ORDER BY _partition_id"
_TABLES: Final = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND match(name, concat('^', {name:String}, '_[0-9a-f]{8}$'))
"""
_RUNNING_INSERTS: Final = "SELECT query_id FROM system.processes WHERE query_kind = 'Insert'"


@dataclass(frozen=True)
class DerivedTable:
    """See `streams.rules.dependents.Dependent`.

    Args:
        name: the table of a migration that gives columns, engine and key; it stays empty itself.
        source: the table that the rows follow from.
        columns: those that are filled; the others have defaults.
        select: the SELECT of `columns` by the rules, FROM the given text. It must suit a materialized view,
            never fail, and give rows for which the order and the number of deliveries do not matter.
    """

    name: str
    source: str
    columns: Sequence[str]
    select: Callable[[Rules, str], str]

    def constants(self, rules: Rules) -> dict[str, str]:
        """`${name}` in a view."""
        return {self.name: self.table(rules)}

    def table(self, rules: Rules) -> str:
        """The table with the rows by these rules."""
        return f"{self.name}_{sha256(self.select(rules, self.source).encode()).hexdigest()[:8]}"

    def prepare(self, client: Client, rules: Rules) -> None:
        """The table, and the materialized view by which it gets every row that is inserted from here on."""
        table = self.table(rules)
        client.command(f"CREATE TABLE IF NOT EXISTS {table} AS {self.name}")
        client.command(
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {table}_mv TO {table} "
            f"DEFINER = CURRENT_USER SQL SECURITY DEFINER AS {self.select(rules, self.source)}",
            settings=_LONG_STATEMENT,
        )
        # An insert that began before may not know of the view; it is over before rows are looked for.
        _wait_for_inserts(client)

    def fill(self, client: Client, rules: Rules, on_progress: Callable[[int, int], None]) -> None:
        """The rows from before, a partition of the source at a time, with a note of those that are done."""
        table, columns = self.table(rules), ", ".join(self.columns)
        done: list[str] = json.loads(read_setting(client, f"filled:{table}") or "[]")
        if _ALL in done:
            return
        rows = client.query(_PARTITIONS, parameters={"table": self.source}).result_rows
        partitions = [partition for (partition,) in rows]
        part = f"(SELECT * FROM {self.source} WHERE _partition_id = {{partition:String}})"  # noqa: S608 (names)
        select = self.select(rules, part)
        for number, partition in enumerate(partitions, start=1):
            if partition not in done:
                client.command(
                    f"INSERT INTO {table} ({columns}) SELECT {columns} FROM ({select})",  # noqa: S608 (names)
                    parameters={"partition": partition},
                    settings=_LONG_STATEMENT,
                )
                done.append(partition)
                write_setting(client, f"filled:{table}", json.dumps(done))
            on_progress(number, len(partitions))
        write_setting(client, f"filled:{table}", json.dumps([_ALL]))

    def switch(self, client: Client, rules: Rules) -> None:
        """Views do it, as they name the table."""

    def tidy(self, client: Client, rules: Rules) -> None:
        """Drop the tables of other rules."""
        for (table,) in client.query(_TABLES, parameters={"name": self.name}).result_rows:
            if table != self.table(rules):
                write_setting(client, f"filled:{table}", "[]")
                client.command(f"DROP VIEW IF EXISTS {table}_mv")
                client.command(f"DROP TABLE IF EXISTS {table}")


def _wait_for_inserts(client: Client) -> None:
    before = _running(client)
    while before & _running(client):
        time.sleep(_PAUSE_SECONDS)


def _running(client: Client) -> set[str]:
    return {query_id for (query_id,) in client.query(_RUNNING_INSERTS).result_rows}
