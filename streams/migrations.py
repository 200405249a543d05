"""Brings ClickHouse up to the files in `sql/`: tables once and for ever, TTLs and views again each time.

Numbered files are `clickhouse-migrations`' business: it runs each once and records its checksum in
`schema_migrations`. It remembers a file only when all its statements have run, so each statement is
`IF NOT EXISTS` and an interrupted run is repeated safely.
"""

from __future__ import annotations

import re
import sysconfig
import uuid
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from string import Template

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_migrations.connection import ClickhouseConnectConnection  # type: ignore[import-untyped]
from clickhouse_migrations.exceptions import MigrationException  # type: ignore[import-untyped]
from clickhouse_migrations.migration import Migration, MigrationStorage  # type: ignore[import-untyped]
from clickhouse_migrations.migrator import (  # type: ignore[import-untyped]
    STATUS_MD5_MISMATCH,
    STATUS_UNKNOWN,
    Migrator,
)

from streams.clickhouse import connect, connect_patiently, one_line
from streams.cluster_ddl import LOCAL
from streams.config import Clock, Settings
from streams.errors import MigrationError
from streams.rules.claim import refuse_while_restating
from streams.rules.dependents import DEPENDENTS, view_constants
from streams.rules.in_force import read_rules, write_rules
from streams.rules.model import DEFAULT_RULES, Rules, load_rules
from streams.settings_table import read_setting, write_setting

MIGRATIONS_TABLE = "schema_migrations"
_HAS_TTL = """
SELECT 1 FROM system.tables
WHERE database = currentDatabase() AND name IN ({table:String}, {local:String}) AND engine_full LIKE '% TTL %'
"""
_SOURCE_TREE = Path(__file__).resolve().parent.parent / "sql"
_INSTALLED = Path(sysconfig.get_path("data")) / "share" / "engagement-streams" / "sql"


def sql_directory() -> Path:
    """`sql/` of the source tree, or of the installed package.

    Raises:
        MigrationError: neither is there.
    """
    for directory in (_SOURCE_TREE, _INSTALLED):
        if (directory / "migrations").is_dir():
            return directory
    raise MigrationError(
        f"No sql/migrations in {_SOURCE_TREE} or {_INSTALLED}: reinstall engagement-streams."
    )


def migrate(settings: Settings, *, sql: Path | None = None) -> list[str]:
    """Create the database if missing, apply new migrations, TTLs and views, record what these depend on.

    Rules are those in force; in a new database, those of the settings. Only `engage restate` changes them.

    Returns the names of the migrations applied by this call, in order; running it again returns [].

    Raises:
        ClickHouseUnavailable: nothing answers.
        MigrationError: an applied file was edited or is missing, or ClickHouse refused a statement.
        RulesError: `engage restate` is at work.
    """
    sql = sql or sql_directory()
    given = load_rules(settings.rules_file)
    _create_database(settings)
    client = connect_patiently(settings)
    try:
        applied = _apply_migrations(client, sql / "migrations")
        _apply_ttls(client, sql / "ttl", settings.clock)
        refuse_while_restating(client)
        rules = read_rules(client) or given
        _follow_rules(client, rules)
        apply_views(client, settings, rules, sql=sql)
        write_setting(client, "clock", settings.clock.value)
        write_setting(client, "retention_days", str(settings.retention_days))
        write_rules(client, rules)
        _name_once(client)
        return applied
    finally:
        client.close()


def _follow_rules(client: Client, rules: Rules) -> None:
    """In a new database, after an upgrade, after an interrupted restate: show these rules and no others."""
    for dependent in DEPENDENTS:
        dependent.prepare(client, rules)
        dependent.fill(client, rules, lambda done, total: None)
        dependent.switch(client, rules)


def _create_database(settings: Settings) -> None:
    client = connect(settings, database="default")
    name = settings.clickhouse_database.replace("`", "``")
    try:
        client.command(f"CREATE DATABASE IF NOT EXISTS `{name}`")
    except ClickHouseError as error:
        raise MigrationError(f"Cannot create database {name}: {one_line(error)}") from error
    finally:
        client.close()


def _apply_migrations(client: Client, directory: Path) -> list[str]:
    # `compact`: the library logs what it runs, and whole scripts are too much.
    migrator = Migrator(
        ClickhouseConnectConnection(client), migrations_table=MIGRATIONS_TABLE, migration_log_format="compact"
    )
    try:
        storage = MigrationStorage(directory)
        files = storage.migrations()
        names = {version: Path(name).stem for version, name in storage.migration_filenames().items()}
        migrator.init_schema()
        _refuse_rewritten_history(migrator, files, names)
        applied = migrator.apply_migration(files, multi_statement=True)
    except (ClickHouseError, MigrationException) as error:
        raise MigrationError(f"Migrations in {directory} failed: {one_line(error)}") from error
    return [names[migration.version] for migration in applied]


def _refuse_rewritten_history(migrator: Migrator, files: list[Migration], names: Mapping[int, str]) -> None:
    for row in migrator.migration_status(files):
        if row.state == STATUS_MD5_MISMATCH:
            raise MigrationError(
                f"Migration {names[row.version]} was edited after it had been applied: "
                "restore the file and put the change into a new one."
            )
        if row.state == STATUS_UNKNOWN:
            raise MigrationError(
                f"Migration {row.version:04} was applied to this database, but its file is missing: "
                "install the version of engagement-streams that brought it, or a newer one."
            )


def _apply_ttls(client: Client, directory: Path, clock: Clock) -> None:
    """Let rows expire as `ttl/TABLE.sql` says; with the clock `event` they stay, as history is old anyway."""
    for path in sorted(directory.glob("*.sql")):
        table, expression = path.stem, path.read_text(encoding="utf-8")
        try:
            if clock is Clock.WALL:
                # What is there already expires as parts are merged, not at once.
                once = {"materialize_ttl_after_modify": 0}
                client.command(f"ALTER TABLE {table} MODIFY TTL {expression}", settings=once)
            elif client.query(_HAS_TTL, parameters={"table": table, "local": table + LOCAL}).result_rows:
                client.command(f"ALTER TABLE {table} REMOVE TTL")
        except ClickHouseError as error:
            raise MigrationError(f"TTL of {table} failed: {one_line(error)}") from error


def apply_views(client: Client, settings: Settings, rules: Rules, *, sql: Path | None = None) -> None:
    """Create or replace all views, with the numbers of these rules.

    Raises:
        MigrationError: ClickHouse refused one, which is named.
    """
    statements = view_statements(sql or sql_directory(), settings.clock, rules)
    for name in view_order(statements):
        try:
            client.command(statements[name])
        except ClickHouseError as error:
            raise MigrationError(f"View {name} failed: {one_line(error)}") from error


def view_statements(sql: Path, clock: Clock, rules: Rules = DEFAULT_RULES) -> dict[str, str]:
    """The statement of each view, by name.

    `views/NAME.sql` is for every clock, `NAME.wall.sql` and `NAME.event.sql` are for one. `${NAME}` in a view
    stands for `fragments/NAME.sql`, or for a number or table of the rules (`streams.rules.dependents`). So it
    does in a fragment.

    Raises:
        MigrationError: a view names a fragment that is not there.
    """
    fragments = {path.stem: path.read_text(encoding="utf-8") for path in (sql / "fragments").glob("*.sql")}
    values = {**fragments, **view_constants(rules)}
    statements = {}
    for path in sorted((sql / "views").glob("*.sql")):
        name, *clocks = path.stem.split(".")
        if not clocks or clocks == [clock.value]:
            statements[name] = _filled_in(path, path.read_text(encoding="utf-8"), values)
    return statements


def _filled_in(path: Path, text: str, values: Mapping[str, str]) -> str:
    try:
        filled = Template(text).substitute(values)
    except (KeyError, ValueError) as error:
        raise MigrationError(f"{path} needs the fragment {error}: not in sql/fragments.") from error
    # What was put in may name others.
    return filled if filled == text else _filled_in(path, filled, values)


def view_order(statements: Mapping[str, str]) -> list[str]:
    """Names of views, each after those that its statement mentions; ties alphabetical."""
    mentions = {
        name: {other for other in statements if other != name and re.search(rf"\b{other}\b", _code(text))}
        for name, text in sorted(statements.items())
    }
    return list(TopologicalSorter(mentions).static_order())


def _code(statement: str) -> str:
    """The statement without comments and string literals, which may mention any view."""
    return re.sub(r"--[^\n]*|'(?:[^'\\]|\\.)*'", "", statement)


def _name_once(client: Client) -> None:
    """Give the database the id and the epoch by which state recognises it (`streams.lineage`)."""
    if read_setting(client, "lineage") is None:
        write_setting(client, "epoch", "0")
        write_setting(client, "lineage", uuid.uuid4().hex)
