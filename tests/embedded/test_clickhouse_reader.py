"""What `bi_reader` may and may not do; each refusal here was an attempt to get around it."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from streams.embedded.clickhouse.reader_rules import OF_NO_EFFECT, is_denied_function

DATABASE = "reader_test"

ALLOWED = [
    "SELECT 1",
    "SELECT version(), timezone()",
    "SELECT name, value, readonly FROM system.settings LIMIT 10000",
    "SELECT * FROM v_x",
    "SELECT * FROM v_x LIMIT 0",
    "select * from reader_test.v_x as v final",
    'SELECT * FROM `reader_test`."v_x";',
    'SELECT count(*) AS `COUNT(*)`, sum(a) AS "Sum (a)" FROM v_x GROUP BY b HAVING count() > 0 LIMIT 5',
    "SELECT * FROM v_p(cutoff='2020-01-01')",
    "SELECT * FROM reader_test.v_p(cutoff=(SELECT max(at) FROM v_x))",
    "SELECT x.a FROM v_x AS x LEFT JOIN (SELECT * FROM v_x) AS y USING a WHERE x.a IN (SELECT a FROM v_x)",
    "SELECT a FROM v_x WHERE a IN (1, 2) UNION ALL SELECT number FROM numbers(3)",
    "SELECT a FROM v_x INTERSECT SELECT a FROM v_x EXCEPT SELECT 5",
    "WITH big AS (SELECT * FROM v_x), 3 AS k SELECT * FROM big WHERE a > k AND a IN (SELECT a FROM big)",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r",
    "WITH v_x AS (SELECT 1 AS a) SELECT * FROM v_x",
    "SELECT a, row_number() OVER (PARTITION BY b ORDER BY a) FROM v_x QUALIFY 1",
    "SELECT a, sum(a) OVER w FROM v_x WINDOW w AS (PARTITION BY b)",
    "SELECT toStartOfDay(at) AS day, quantile(0.5)(a), countIf(a > 1) FROM v_x GROUP BY day WITH TOTALS",
    "SELECT CASE WHEN a = 1 THEN 'x' ELSE 'y' END, a::String, arrayMap(i -> i + 1, [1]) FROM v_x",
    "SELECT EXTRACT(YEAR FROM at), trim(BOTH ' ' FROM b), substring(b FROM 1 FOR 2) FROM v_x",
    "SELECT * EXCEPT (b), COLUMNS('a') FROM v_x SETTINGS max_threads = 1, max_execution_time = 5",
    "SELECT -- FROM events\n 1 /* INTO OUTFILE 'x' */",
    "SELECT 'FROM events; DROP TABLE events' AS `it''s; fine`, $$ it's file('x') $$",
    "SELECT 1 FORMAT JSON",
    "SELECT exists(SELECT 1 FROM v_x)",
    "SHOW TABLES",
    "SHOW TABLES LIKE 'v%'",
    "SHOW DATABASES",
    "SHOW CREATE VIEW v_x",
    "DESCRIBE TABLE v_x",
    "DESC (SELECT * FROM v_x)",
    "EXISTS TABLE v_x",
    "EXISTS TABLE `v_x` FORMAT Native",
    "EXISTS VIEW reader_test.v_x FORMAT Native",
    "SHOW CREATE VIEW v_x FORMAT TSV",
    "EXISTS DATABASE reader_test",
    "SELECT name FROM system.tables WHERE database = 'reader_test'",
    "SELECT table, name, type, comment FROM system.columns WHERE table LIKE 'v_%'",
]

REFUSED = [
    # files and networks
    "SELECT * FROM v_x INTO OUTFILE '/tmp/stolen.csv'",
    "SELECT * FROM v_x into/**/outfile '/tmp/stolen.csv' FORMAT CSV",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM FILE('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"file\" /* x */ ('/etc/passwd')",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT * APPLY(file) FROM v_x",
    "SELECT * APPLY(x -> file(x)) FROM v_x",
    "SELECT * REPLACE (file('/etc/passwd') AS b) FROM v_x",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV')",
    "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
    "SELECT * FROM remote('127.0.0.1', reader_test.events)",
    "SELECT * FROM remoteSecure('127.0.0.1', 'reader_test', 'events')",
    "SELECT * FROM cluster('default', reader_test.events)",
    "SELECT * FROM merge('reader_test', '.*')",
    "SELECT * FROM executable('cat', 'TSV', 'x String')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM view(SELECT * FROM events)",
    "SELECT * FROM loop(events)",
    "SELECT * FROM Python(x)",
    "SELECT aiGenerate('x')",
    # tables that are no views
    "SELECT * FROM events",
    "SELECT * FROM `events`",
    'SELECT * FROM "events"',
    "SELECT * FROM reader_test.events",
    "SELECT * FROM EVENTS",
    "SELECT * FROM/**/events",
    "SELECT * FROM other_db.v_x",
    "SELECT * FROM `reader_test.events`",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.query_log",
    "SELECT * FROM v_x, events",
    "SELECT * FROM v_x JOIN events USING a",
    "SELECT * FROM v_x UNION ALL SELECT * FROM events",
    "SELECT * FROM v_x INTERSECT SELECT * FROM events",
    "SELECT (SELECT max(a) FROM events)",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM events))",
    "SELECT * FROM v_x WHERE a IN (SELECT a FROM events)",
    "SELECT * FROM v_x WHERE a IN events",
    "SELECT * FROM v_x WHERE a IN (events)",
    "SELECT * FROM v_x WHERE (a, b) NOT IN reader_test.events",
    "SELECT * FROM v_x WHERE in(a, events)",
    "SELECT * FROM v_x WHERE a GLOBAL NOT IN events",
    "SELECT * FROM v_x ORDER BY (SELECT max(a) FROM events)",
    "SELECT * FROM v_x LIMIT (SELECT max(a) FROM events)",
    "SELECT row_number() OVER (PARTITION BY (SELECT max(a) FROM events)) FROM v_x",
    "SELECT * FROM v_p(cutoff=(SELECT max(at) FROM events))",
    "WITH v_x AS (SELECT * FROM events) SELECT * FROM v_x",
    "WITH events AS (SELECT * FROM events) SELECT * FROM events",
    "WITH events AS (SELECT 1 AS a) SELECT * FROM events",
    "SELECT * FROM (WITH events AS (SELECT 1 AS a) SELECT * FROM events) JOIN events USING a",
    "WITH x AS (SELECT 1) SELECT * FROM (FROM events)",
    "FROM events SELECT *",
    "SELECT * FROM v_x UNION ALL FROM events",
    "WITH events AS v_t SELECT (1, 'one', 0) IN v_t",
    "WITH events AS e, e AS v_t SELECT (1, 'one', 0) IN (v_t)",
    "SELECT (1, 'one', 0) IN v_t, events AS v_t",
    "WITH x -> x IN events AS f SELECT f((1, 'one', 0))",
    "SELECT joinGet('events', 'b', 1)",
    "SELECT joinGet(events, 'b', 1)",
    "SELECT dictGet('secrets', 'b', 1)",
    "SELECT dictHas('secrets', 1)",
    "SELECT DICTGETSTRING('secrets', 'b', 1)",
    "SELECT hasColumnInTable('reader_test', 'events', 'a')",
    "SELECT * FROM dictionary('secrets')",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM events))",
    "SELECT * FROM (EXPLAIN SELECT * FROM events)",
    "DESCRIBE events",
    "DESCRIBE file('/etc/passwd')",
    "DESCRIBE (SELECT * FROM events)",
    "EXISTS events",
    "EXISTS events FORMAT Native",
    "EXISTS v_x.Native FORMAT Native",
    "EXISTS events FORMAT v_x",
    "SHOW CREATE TABLE events FORMAT TSV",
    "SHOW CREATE TABLE events",
    "SHOW CREATE DATABASE reader_test",
    "SHOW COLUMNS FROM events",
    "SHOW INDEX FROM events",
    "SHOW TABLES WHERE name IN events",
    "SHOW TABLES WHERE name = (SELECT max(b) FROM events)",
    "SHOW PROCESSLIST",
    "SHOW GRANTS",
    # names that try to look like something else
    "SELECT 1 AS `x)\n TableIdentifier v_x`",
    'SELECT 1 AS "x\\n TableIdentifier v_x" FROM events',
    "SELECT 1 AS `x) (children 0`",
    "SELECT * FROM `v_x\\n`",
    "SELECT ‘x’, “a” FROM v_x",
    "SELECT * FROM\u00a0v_x",
    # other statements
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE events",
    "EXPLAIN SELECT * FROM events",
    "EXPLAIN AST SELECT 1",
    "graph = 1 SELECT 1",
    "INSERT INTO events (a) VALUES (1)",
    "INSERT INTO events (a) SELECT 1",
    "INSERT INTO FUNCTION file('/tmp/stolen.csv', 'CSV', 'a Int64') SELECT a FROM v_x",
    "CREATE VIEW v_y AS SELECT * FROM events",
    "CREATE TEMPORARY TABLE v_t AS SELECT * FROM events",
    "CREATE FUNCTION f AS x -> x",
    "ALTER TABLE events DELETE WHERE 1",
    "DROP TABLE events",
    "TRUNCATE TABLE events",
    "RENAME TABLE events TO v_events",
    "SYSTEM FLUSH LOGS",
    "SET max_threads = 1",
    "USE default",
    "KILL QUERY WHERE 1",
    "GRANT SELECT ON *.* TO bi_reader",
    "BACKUP DATABASE reader_test TO File('/tmp/stolen')",
    "SELECT * FROM v_x PARALLEL WITH DROP TABLE events",
    "CHECK TABLE events",
    # settings and formats
    "SELECT 1 SETTINGS allow_introspection_functions = 1",
    "SELECT 1 SETTINGS max_threads = 1, readonly = 0",
    "SELECT 1 SETTINGS `readonly` = 0",
    "SELECT 1 SETTINGS max_threads = 1, `readonly` = 0",
    "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)",
    "SELECT 1 FORMAT Template",
    "SELECT 1 FORMAT CapnProto",
]


@pytest.fixture(scope="module")
def owner(clickhouse_front: str) -> Iterator[Client]:
    """The `default` user in a database with a base table and views."""
    with _client(clickhouse_front, "default", "default") as first:
        first.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    with _client(clickhouse_front, "default", DATABASE) as client:
        client.command(
            "CREATE TABLE events (a Int64, b String, at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY a"
        )
        client.insert("events", [[1, "one", 0], [2, "two", 0]], column_names=["a", "b", "at"])
        client.command("CREATE VIEW v_x SQL SECURITY DEFINER AS SELECT a, b, at FROM events")
        client.command(
            "CREATE VIEW v_p SQL SECURITY DEFINER AS "
            "SELECT a FROM events WHERE at < {cutoff:DateTime64(3, 'UTC')}"
        )
        yield client
        client.command(f"DROP DATABASE {DATABASE}")


@pytest.fixture(scope="module")
def reader(clickhouse_front: str, owner: Client) -> Iterator[Client]:
    with _client(clickhouse_front, "bi_reader", DATABASE) as client:
        yield client


def _client(url: str, user: str, database: str) -> Client:
    port = urllib.parse.urlsplit(url).port
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=port, username=user, database=database, autogenerate_session_id=False
    )


@pytest.mark.parametrize("sql", ALLOWED)
def test_the_reader_may(reader: Client, sql: str) -> None:
    assert isinstance(reader.raw_query(sql), bytes)


@pytest.mark.parametrize("sql", REFUSED)
def test_the_reader_may_not(reader: Client, owner: Client, sql: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        reader.raw_query(sql)
    assert refused.value.code in (497, 62, 158), str(refused.value)
    assert owner.command("SELECT count() FROM events") == 2
    assert not Path("/tmp/stolen.csv").exists()


def test_a_refusal_is_one_line_with_status_403(clickhouse_front: str, owner: Client) -> None:
    request = urllib.request.Request(
        f"{clickhouse_front}/?user=bi_reader&database={DATABASE}", data=b"SELECT * FROM events"
    )
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
        pass
    with refused.value as answer:
        assert (answer.code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "497")
        assert answer.read().decode() == (
            "Code: 497. DB::Exception: bi_reader: Not enough privileges: events may not be read, "
            "only views v_* of the current database. (ACCESS_DENIED)\n"
        )


def test_the_reader_reads_what_a_view_selects_from_tables_it_may_not_read(reader: Client) -> None:
    assert reader.query("SELECT a, b FROM v_x ORDER BY a").result_rows == [(1, "one"), (2, "two")]
    assert reader.query("SELECT a FROM v_p(cutoff='1960-01-01')").result_rows == []


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT * FORM v_x", "SELECT 'open", "DROP TABLE events `", ""])
def test_the_reader_is_told_of_a_mistake_in_the_syntax(
    clickhouse_front: str, owner: Client, sql: str
) -> None:
    request = urllib.request.Request(f"{clickhouse_front}/?user=bi_reader", data=sql.encode(), method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
        pass
    with refused.value as answer:
        assert answer.headers["X-ClickHouse-Exception-Code"] == "62"
        text = answer.read().decode()
    assert text.startswith("Code: 62. DB::Exception: ")
    assert "formatQuery" not in text


def test_a_parameter_of_the_reader_cannot_name_a_table(reader: Client) -> None:
    sql = "SELECT count() FROM {table:Identifier}"
    assert reader.query(sql, parameters={"table": "v_x"}).result_rows == [(2,)]
    with pytest.raises(DatabaseError, match="events may not be read"):
        reader.query(sql, parameters={"table": "events"})
    with pytest.raises(DatabaseError, match="events may not be read"):
        reader.query("SELECT * FROM v_x WHERE a IN {table:Identifier}", parameters={"table": "events"})


def test_a_parameter_of_the_reader_may_hold_any_text(reader: Client) -> None:
    text = "FROM events; it's file('x')\n 😀"
    assert reader.query("SELECT {text:String}", parameters={"text": text}).result_rows == [(text,)]


@pytest.mark.parametrize("name", ["dialect", "max_memory_usage", "format_schema", "additional_result_filter"])
def test_the_reader_may_not_bring_the_setting(reader: Client, name: str) -> None:
    with pytest.raises(DatabaseError, match=f"the setting {name} may not be changed"):
        reader.query("SELECT 1", settings={name: "1"})


def test_settings_about_what_no_reader_does_are_taken_and_not_applied(reader: Client, owner: Client) -> None:
    """Drivers send them with every statement."""
    names = sorted(OF_NO_EFFECT)
    sql = f"SELECT name, value FROM system.settings WHERE name IN {tuple(names)} ORDER BY name"
    others = {"0": "1", "1": "0", "LZ4": "ZSTD", "ZSTD": "LZ4"}
    other = {name: others[value] for name, value in owner.query(sql).result_rows}
    assert sorted(other) == names
    assert reader.query(sql, settings=other).result_rows == owner.query(sql).result_rows
    with pytest.raises(DatabaseError, match="the setting select_sequential_consistency may not be changed"):
        reader.query("SELECT 1 SETTINGS select_sequential_consistency = 1")


SYSTEM = {"columns", "databases", "functions", "settings", "table_engines", "table_functions", "tables"}
LISTS = {
    "SHOW TABLES": {"v_p", "v_x"},
    "SELECT name FROM system.tables WHERE database = currentDatabase()": {"v_p", "v_x"},
    "SELECT t.name FROM system.tables AS t JOIN system.databases AS d ON t.database = d.name"
    " WHERE d.name = 'reader_test'": {"v_p", "v_x"},
    "SELECT `table` FROM system.columns WHERE database = 'reader_test'": {"v_x"},
    "SHOW TABLES FROM system": SYSTEM,
    "SELECT DISTINCT `table` FROM system.columns WHERE database = 'system'": SYSTEM,
    "SHOW DATABASES": {"reader_test", "system"},
    "WITH t AS (SELECT * FROM system.tables) SELECT name FROM t WHERE name IN ('events', 'v_x')": {"v_x"},
    "SELECT name FROM (SELECT * FROM system.tables AS v_x) WHERE startsWith(name, 'e')": set(),
}


@pytest.mark.parametrize("sql", LISTS)
def test_lists_hold_what_the_reader_may_read(reader: Client, sql: str) -> None:
    """As on a server, so that a BI tool offers no table that it cannot read."""
    assert {name for (name,) in reader.query(sql).result_rows} == LISTS[sql]


def test_the_filter_of_lists_cannot_be_changed(reader: Client) -> None:
    for attempt in (
        {"sql": "SELECT 1", "settings": {"additional_table_filters": "{}"}},
        {"sql": "SELECT name FROM system.tables SETTINGS additional_table_filters = '{}'"},
    ):
        with pytest.raises(DatabaseError, match="the setting additional_table_filters may not be changed"):
            reader.query(attempt["sql"], settings=attempt.get("settings"))


@pytest.mark.parametrize("asked", ["0", "3600", "1e9"])
def test_a_query_of_the_reader_ends_after_a_minute_at_most(reader: Client, asked: str) -> None:
    sql = "SELECT getSetting('max_execution_time') AS seconds"
    assert reader.query(sql, settings={"max_execution_time": asked}).result_rows == [(60,)]
    assert reader.query(sql, settings={"max_execution_time": "5"}).result_rows == [(5,)]


def test_the_default_format_of_the_reader_is_on_the_list_too(reader: Client) -> None:
    with pytest.raises(DatabaseError, match="the format Template is not allowed"):
        reader.raw_query("SELECT 1", settings={}, fmt="Template")


def test_functions_of_dangerous_kinds_are_denied_also_when_chdb_adds_new_ones(owner: Client) -> None:
    kinds = "'AI','Dictionary','Embedded Dictionary','Introspection'"
    rows = owner.query(
        f"SELECT name FROM system.functions WHERE categories IN ({kinds}) "
        f"OR alias_to IN (SELECT name FROM system.functions WHERE categories IN ({kinds}))"
    ).result_rows
    assert len(rows) > 50
    assert [name for (name,) in rows if not is_denied_function(name)] == []
