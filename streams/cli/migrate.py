"""`engage migrate`: tables and views in ClickHouse."""

from __future__ import annotations

from rich.console import Console

from streams.config import load_settings
from streams.migrations import migrate as apply_migrations
from streams.rules.in_force import difference


def migrate() -> None:
    """Create or update the tables and views in ClickHouse. Safe to run again.

    The database is the one that ENGAGE_CLICKHOUSE_URL names; it is created if it is missing.
    """
    settings = load_settings()
    applied = apply_migrations(settings)
    console = Console()
    for name in applied:
        console.print(f"applied {name}")
    console.print(
        f"Database {settings.clickhouse_database} is up to date: "
        f"{len(applied)} migrations applied, views refreshed, clock = {settings.clock.value}.",
        highlight=False,
        soft_wrap=True,
    )
    if differing := difference(settings):
        console.print(f"{differing}. `engage restate` puts them in force.", highlight=False, soft_wrap=True)
