"""All DDL that `engage migrate` sends for a new database, in its order, as written for one server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from clickhouse_migrations.migrator import Migrator

from streams.cluster_ddl import Cluster
from streams.config import Clock
from streams.migrations import sql_directory, view_order, view_statements
from streams.rules.dependents import DEPENDENTS
from streams.rules.model import DEFAULT_RULES

CLUSTER = Cluster("main", "engagement", "engage_migrator")


def migrations() -> list[str]:
    """Statements of `sql/migrations`, as clickhouse-migrations splits them."""
    files = sorted((sql_directory() / "migrations").glob("*.sql"))
    return [one for file in files for one in Migrator.script_to_statements(file.read_text(), True)]


class Listener:
    """Stands for the client of a database without a row, and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def command(self, statement: str, **_: Any) -> None:
        self.told.append(statement)

    def query(self, statement: str, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(result_rows=[])


def statements_of_rules() -> list[str]:
    """What makes room for the rules, and turns to them."""
    listener = Listener()
    for dependent in DEPENDENTS:
        dependent.prepare(listener, DEFAULT_RULES)  # type: ignore[arg-type]
        dependent.switch(listener, DEFAULT_RULES)  # type: ignore[arg-type]
    return listener.told


def views() -> dict[str, str]:
    statements = view_statements(sql_directory(), Clock.WALL)
    return {name: statements[name] for name in view_order(statements)}


def all_statements() -> list[str]:
    return [*migrations(), *statements_of_rules(), *views().values()]
