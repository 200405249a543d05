"""`engage migrate`: every file once, views each time, and one line when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from streams.cli.migrate import migrate as migrate_command
from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.errors import ClickHouseUnavailable, MigrationError
from streams.migrations import migrate, sql_directory, view_order, view_statements

#: Tables that rules are about.
OF_RULES = "".join(
    (sql_directory() / "migrations" / name).read_text()
    for name in ("0001_facts.sql", "0002_customers.sql", "0008_leads.sql")
)
TABLE = "CREATE TABLE IF NOT EXISTS {} (x UInt8) ENGINE = MergeTree ORDER BY x;\n"
SETTINGS_TABLE = (
    "CREATE TABLE IF NOT EXISTS settings"
    " (key String, value String, updated_at DateTime64(3) DEFAULT now64(3))"
    " ENGINE = ReplacingMergeTree(updated_at) ORDER BY key;"
)


@pytest.fixture
def sql(tmp_path: Path) -> Path:
    """A small `sql/`: two tables and one view."""
    for folder in ("migrations", "views", "fragments"):
        (tmp_path / folder).mkdir()
    (tmp_path / "migrations" / "0001_first.sql").write_text(TABLE.format("first") + SETTINGS_TABLE + OF_RULES)
    (tmp_path / "migrations" / "0002_second.sql").write_text(TABLE.format("second"))
    (tmp_path / "views" / "v_x.sql").write_text("CREATE OR REPLACE VIEW v_x AS SELECT x FROM first")
    return tmp_path


@pytest.fixture
def settings(clickhouse_front: str, request: pytest.FixtureRequest) -> Settings:
    """Settings that name a database of the test's own, which does not exist yet."""
    database = f"migrate_{abs(hash(request.node.name))}"
    return Settings(clickhouse_url=f"{clickhouse_front}/{database}")


@pytest.fixture
def query(settings: Settings) -> Callable[[str], list[tuple[object, ...]]]:
    def run(statement: str) -> list[tuple[object, ...]]:
        client: Client = connect(settings)
        try:
            return list(client.query(statement).result_rows)
        finally:
            client.close()

    return run


def one_line(error: pytest.ExceptionInfo[MigrationError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_each_file_is_applied_once(settings: Settings, sql: Path, query: Callable[[str], object]) -> None:
    assert migrate(settings, sql=sql) == ["0001_first", "0002_second"]
    assert migrate(settings, sql=sql) == []
    assert query("SELECT version FROM schema_migrations ORDER BY version") == [(1,), (2,)]
    (sql / "migrations" / "0003_third.sql").write_text(TABLE.format("third"))
    assert migrate(settings, sql=sql) == ["0003_third"]


def test_views_follow_their_files(settings: Settings, sql: Path, query: Callable[[str], object]) -> None:
    migrate(settings, sql=sql)
    (sql / "views" / "v_x.sql").write_text("CREATE OR REPLACE VIEW v_x AS SELECT 7 AS y")
    migrate(settings, sql=sql)
    assert query("SELECT y FROM v_x") == [(7,)]


def test_an_edited_migration_is_refused_by_name(settings: Settings, sql: Path) -> None:
    migrate(settings, sql=sql)
    (sql / "migrations" / "0001_first.sql").write_text(TABLE.format("other"))
    with pytest.raises(MigrationError) as error:
        migrate(settings, sql=sql)
    assert one_line(error).startswith("Migration 0001_first was edited after it had been applied")


def test_a_missing_migration_is_refused(settings: Settings, sql: Path) -> None:
    migrate(settings, sql=sql)
    (sql / "migrations" / "0001_first.sql").unlink()
    with pytest.raises(MigrationError) as error:
        migrate(settings, sql=sql)
    assert one_line(error).startswith("Migration 0001 was applied to this database, but its file is missing")


def test_a_migration_that_failed_half_way_is_mended_and_repeated(
    settings: Settings, sql: Path, query: Callable[[str], object]
) -> None:
    second = sql / "migrations" / "0002_second.sql"
    second.write_text(TABLE.format("second") + "CREATE TABLE nonsense;")
    with pytest.raises(MigrationError) as error:
        migrate(settings, sql=sql)
    assert one_line(error)
    second.write_text(TABLE.format("second") + TABLE.format("more"))
    assert migrate(settings, sql=sql) == ["0002_second"]
    assert query("SELECT count() FROM more") == [(0,)]


def test_a_view_that_fails_is_named(settings: Settings, sql: Path) -> None:
    (sql / "views" / "v_bad.sql").write_text("CREATE OR REPLACE VIEW v_bad AS SELECT nothing FROM first")
    with pytest.raises(MigrationError) as error:
        migrate(settings, sql=sql)
    assert one_line(error).startswith("View v_bad failed: ")


def test_a_view_that_needs_a_missing_fragment_is_named(sql: Path) -> None:
    (sql / "views" / "v_bad.sql").write_text("CREATE OR REPLACE VIEW v_bad AS ${lost}")
    with pytest.raises(MigrationError, match=r"v_bad\.sql needs the fragment 'lost'"):
        view_statements(sql, Clock.WALL)


def test_a_fragment_is_put_into_the_views_that_name_it(sql: Path) -> None:
    (sql / "fragments" / "one.sql").write_text("SELECT 1 AS x")
    (sql / "views" / "v_x.sql").write_text("CREATE OR REPLACE VIEW v_x AS SELECT x FROM (${one})")
    assert view_statements(sql, Clock.WALL)["v_x"].endswith("FROM (SELECT 1 AS x)")


def test_views_come_after_the_views_they_read_whatever_their_names() -> None:
    statements = {
        "v_a": "CREATE VIEW v_a AS SELECT * FROM v_b",
        "v_b": "CREATE VIEW v_b AS SELECT * FROM v_c -- not from v_a",
        "v_c": "CREATE VIEW v_c (x String COMMENT 'like v_a, but it''s not') AS SELECT 'v_b' AS x",
        "v_c2": "CREATE VIEW v_c2 AS SELECT 1",
    }
    order = view_order(statements)
    assert order.index("v_c") < order.index("v_b") < order.index("v_a")
    assert sorted(order) == sorted(statements)


@pytest.mark.parametrize("clock", Clock)
def test_a_view_may_have_one_file_per_clock(sql: Path, clock: Clock) -> None:
    for name in ("wall", "event"):
        (sql / "views" / f"v_clock.{name}.sql").write_text(
            f"CREATE OR REPLACE VIEW v_clock AS SELECT '{name}'"
        )
    statements = view_statements(sql, clock)
    assert statements["v_clock"].endswith(f"'{clock.value}'")
    assert set(statements) == {"v_clock", "v_x"}


def test_the_clock_is_recorded_and_may_be_changed(settings: Settings, query: Callable[[str], object]) -> None:
    clock = "SELECT value FROM settings FINAL WHERE key = 'clock'"
    migrate(settings)
    assert query(clock) == [("wall",)]
    assert query("SELECT abs(dateDiff('minute', as_of, now())) < 60 FROM v_clock") == [(1,)]
    query_old_event(settings)
    migrate(settings.model_copy(update={"clock": Clock.EVENT}))
    assert query(clock) == [("event",)]
    assert query("SELECT toString(as_of) FROM v_clock") == [("1997-01-01 00:00:00.000",)]


def query_old_event(settings: Settings) -> None:
    client = connect(settings)
    client.command(
        "INSERT INTO events (event_id, customer_id, occurred_at) VALUES ('e', 'c', '1997-01-01 00:00:00')"
    )
    client.close()


def test_without_facts_the_clock_of_events_shows_now(
    settings: Settings, query: Callable[[str], object]
) -> None:
    migrate(settings.model_copy(update={"clock": Clock.EVENT}))
    assert query("SELECT abs(dateDiff('minute', as_of, now())) < 60 FROM v_clock") == [(1,)]


def ttl_of(query: Callable[[str], list[tuple[str]]], table: str) -> str:
    """What `table` has after TTL, '' without any."""
    ((engine,),) = query(
        f"SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '{table}'"
    )
    return engine.partition(" TTL ")[2].partition(" SETTINGS ")[0]


def test_rows_expire_with_the_clock_of_the_wall_only(
    settings: Settings, query: Callable[[str], list[tuple[str]]]
) -> None:
    seen = []
    for clock in (Clock.EVENT, Clock.WALL, Clock.WALL, Clock.EVENT, Clock.WALL):
        migrate(settings.model_copy(update={"clock": clock}))
        seen.append(ttl_of(query, "stream_lag"))
    expires = "toDateTime(measured_at) + toIntervalDay(30)"
    assert seen == ["", expires, expires, "", expires]


def test_a_ttl_that_fails_is_named(settings: Settings, sql: Path) -> None:
    (sql / "ttl").mkdir()
    (sql / "ttl" / "first.sql").write_text("nothing + toIntervalDay(1)")
    with pytest.raises(MigrationError) as error:
        migrate(settings, sql=sql)
    assert one_line(error).startswith("TTL of first failed: ")


def test_old_rows_are_gone_once_parts_are_merged(
    settings: Settings, query: Callable[[str], list[tuple[int]]]
) -> None:
    migrate(settings)
    for days in (29, 31):
        query(f"INSERT INTO stream_lag (measured_at) SELECT now64(3) - toIntervalDay({days})")
    query("OPTIMIZE TABLE stream_lag FINAL")
    assert query("SELECT dateDiff('day', measured_at, now()) FROM stream_lag") == [(29,)]


def test_the_command_says_what_it_did(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", settings.clickhouse_url)
    migrate_command()
    said = capsys.readouterr().out
    assert "applied 0001_facts" in said
    assert "views refreshed" in said


def test_nothing_that_answers_is_one_line() -> None:
    with pytest.raises(ClickHouseUnavailable) as error:
        migrate(Settings(clickhouse_url="http://127.0.0.1:9/engagement"))
    assert "\n" not in str(error.value)


def test_the_files_are_found_beside_the_source() -> None:
    assert {path.name for path in sql_directory().iterdir()} >= {"migrations", "views", "fragments"}
