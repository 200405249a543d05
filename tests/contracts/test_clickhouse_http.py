"""What this project expects of ClickHouse over HTTP, by way of clickhouse-connect."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.compression import available_compression
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from tests.contracts.conftest import Server
from tests.contracts.rows import AT, COLUMNS, NASTY, TABLE, rows

Create = Callable[..., str]


def test_a_client_connects_and_learns_version_and_time_zone(client: Client) -> None:
    version, zone = client.query("SELECT version(), timezone()").result_rows[0]
    assert (client.server_version, str(client.server_tz)) == (version, zone)
    assert client.ping()


# --- parameters and settings


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_text_goes_through_a_parameter_unchanged(client: Client, text: str) -> None:
    sql = "SELECT {text:String} AS text, length({text:String})"
    assert client.query(sql, parameters={"text": text}).result_rows == [(text, len(text.encode()))]


def test_typed_parameters(client: Client) -> None:
    row = client.query(
        "SELECT {n:UInt64}, {xs:Array(String)}, {d:Date}, {at:DateTime}, {none:Nullable(String)}",
        parameters={"n": 2**63, "xs": NASTY, "d": AT.date(), "at": AT, "none": None},
        tz_mode="aware",
    ).result_rows[0]
    assert row == (2**63, NASTY, AT.date(), AT.replace(microsecond=0), None)


def test_parameters_too_large_for_a_url_are_sent_as_a_form(client: Client) -> None:
    text = "é'\\" * 20_000
    assert client.query("SELECT length({text:String})", parameters={"text": text}).result_rows == [(80_000,)]


def test_parameters_hold_in_inserts_and_commands(client: Client, table: Create) -> None:
    name = table(TABLE)
    client.command(
        "INSERT INTO {t:Identifier} (name) VALUES ({v:String}), ('a;b')", parameters={"t": name, "v": "it's"}
    )
    client.command("INSERT INTO {t:Identifier} (name) SELECT {v:String}", parameters={"t": name, "v": "\\"})
    assert sorted(client.query(f"SELECT name FROM {name}").result_columns[0]) == ["\\", "a;b", "it's"]


def test_settings_hold_for_their_query_only(client: Client) -> None:
    sql = "SELECT getSetting('max_block_size') AS size"
    usual = client.query(sql).result_rows
    assert client.query(sql, settings={"max_block_size": 7}).result_rows == [(7,)]
    assert client.query(sql).result_rows == usual != [(7,)]


def test_an_unknown_setting_is_an_error(client: Client) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query("SELECT 1", settings={"no_such_setting": 1})
    assert error.value.code == 115


# --- commands and views


def test_a_command_without_a_result_and_one_with(client: Client, table: Create) -> None:
    name = table(TABLE)
    client.command(f"INSERT INTO {name} (id) VALUES (1), (2)")
    assert client.command(f"SELECT count() FROM {name}") == 2
    assert client.command(f"EXISTS TABLE {name}") == 1
    assert name in str(client.command("SHOW TABLES"))


def test_a_column_list_without_rows_has_names_and_types(client: Client) -> None:
    result = client.query("SELECT 1 AS one, 'x' AS text LIMIT 0")
    assert result.column_names == ("one", "text")
    assert [kind.name for kind in result.column_types] == ["UInt8", "String"]
    assert client.query("SELECT number FROM numbers(3) WHERE number > 5").result_rows == []


def test_views_run_with_the_rights_of_their_definer_and_take_parameters(
    client: Client, table: Create
) -> None:
    name = table(TABLE)
    client.insert(name, rows(10), column_names=COLUMNS)
    view = f"v_{name}"
    client.command(
        f"CREATE VIEW {view} (id UInt64 COMMENT 'the id') SQL SECURITY DEFINER "
        f"AS SELECT id FROM {name} WHERE id < {{cutoff:UInt64}} COMMENT 'a view'"
    )
    try:
        assert client.command(f"SELECT count() FROM {view}(cutoff=4)") == 4
        comment = client.command(
            "SELECT comment FROM system.tables WHERE name = {v:String}", parameters={"v": view}
        )
        assert comment == "a view"
    finally:
        client.command(f"DROP VIEW {view}")


def test_a_replacing_table_keeps_the_newest_version(client: Client, table: Create) -> None:
    name = table("id UInt64, version UInt64, name String", "ENGINE = ReplacingMergeTree(version) ORDER BY id")
    for version, text in ((2, "new"), (1, "old"), (2, "new")):
        client.insert(name, [[1, version, text]], column_names=["id", "version", "name"])
    assert client.query(f"SELECT version, name FROM {name} FINAL").result_rows == [(2, "new")]


# --- errors


@pytest.mark.parametrize(
    ("sql", "code", "name"),
    [
        ("SELEC 1", 62, "SYNTAX_ERROR"),
        ("SELECT no_such_column", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT * FROM no_such_table", 60, "UNKNOWN_TABLE"),
        ("SELECT no_such_function(1)", 46, "UNKNOWN_FUNCTION"),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT {missing:String}", 456, "UNKNOWN_QUERY_PARAMETER"),
        ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"),
    ],
)
def test_an_error_carries_the_code_and_the_name(client: Client, sql: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query(sql)
    assert (error.value.code, error.value.name) == (code, name)


def test_a_missing_table_or_database_is_an_error_for_inserts_too(server: Server, client: Client) -> None:
    with pytest.raises(DatabaseError) as error:
        client.raw_insert("no_such_table", ["a"], b"1\n", fmt="TSV")
    assert error.value.code == 60
    with pytest.raises(DatabaseError) as error:
        Server(server.url, "no_such_database").client().close()
    assert error.value.code == 81


def test_a_query_that_takes_too_long_is_ended(client: Client) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query("SELECT sum(sipHash64(number)) FROM numbers(1e12)", settings={"max_execution_time": 1})
    assert error.value.code == 159


def test_an_error_in_the_middle_of_a_stream_reaches_the_reader(client: Client) -> None:
    sql = "SELECT number, throwIf(number = 900000, 'late failure') FROM numbers(1000000)"
    settings = {"max_block_size": 10_000, "max_threads": 1}
    with (
        client.query_row_block_stream(sql, settings=settings) as blocks,
        pytest.raises(StreamFailureError, match="late failure"),
    ):
        list(blocks)


# --- streams


@pytest.mark.parametrize("compress", [False, *(name for name in available_compression if name != "br")])
def test_a_long_result_streams_in_every_encoding(server: Server, compress: bool | str) -> None:
    with (
        server.client(compress=compress) as client,
        client.query_column_block_stream("SELECT number, repeat('x', 20) FROM numbers(300000)") as blocks,
    ):
        counts = [len(block[0]) for block in blocks]
    assert sum(counts) == 300_000
    assert len(counts) > 1


@pytest.mark.parametrize(
    "fmt", ["JSONEachRow", "CSV", "TSV", "RowBinary", "JSONCompactEachRowWithNames", "Parquet"]
)
def test_a_raw_stream_is_the_whole_result_in_its_format(client: Client, fmt: str) -> None:
    sql = "SELECT number, toString(number) AS text FROM numbers(200000) ORDER BY number"
    with client.raw_stream(sql, fmt=fmt) as stream:
        streamed = stream.read()
    assert len(streamed) > 200_000
    if fmt != "Parquet":  # which holds more than the rows
        assert streamed == client.raw_query(sql, fmt=fmt)


# --- several at once


def test_threads_insert_and_read_at_the_same_time(server: Server, table: Create) -> None:
    name = table(TABLE)
    start = threading.Barrier(8)

    def write(number: int) -> int:
        with server.client() as client:
            start.wait()
            return sum(
                client.insert(
                    name, rows(500, number * 10_000 + batch * 500), column_names=COLUMNS
                ).written_rows
                for batch in range(10)
            )

    def read(_: int) -> int:
        with server.client() as client:
            start.wait()
            counts = [client.command(f"SELECT count() FROM {name}") for _ in range(20)]
            assert counts == sorted(counts)
            return 0

    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(write, n) for n in range(4)] + [threads.submit(read, n) for n in range(4)]
        written = sum(future.result() for future in futures)
    with server.client() as client:
        assert written == 20_000 == client.command(f"SELECT uniqExact(id) FROM {name}")


async def test_the_async_client_inserts_and_reads_concurrently(server: Server, table: Create) -> None:
    name = table(TABLE)
    client = await server.async_client()
    try:
        inserts = [client.insert(name, rows(1000, n * 1000), column_names=COLUMNS) for n in range(8)]
        assert [summary.written_rows for summary in await asyncio.gather(*inserts)] == [1000] * 8
        reads = [client.query("SELECT {n:UInt8} + 1", parameters={"n": n}) for n in range(20)]
        assert [result.result_rows[0][0] for result in await asyncio.gather(*reads)] == list(range(1, 21))
        async with await client.query_rows_stream(f"SELECT id FROM {name} ORDER BY id") as stream:
            assert [row[0] async for row in stream] == list(range(8000))
        with pytest.raises(DatabaseError) as error:
            await client.query("SELECT * FROM no_such_table")
        assert error.value.code == 60
    finally:
        await client.close()


# --- sessions and external tables


def test_a_session_keeps_its_settings_and_temporary_tables(server: Server) -> None:
    with server.client(session_id=uuid.uuid4().hex) as client, server.client() as other:
        client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
        client.command("INSERT INTO mine VALUES (7)")
        client.command("SET max_block_size = 77")
        sql = "SELECT getSetting('max_block_size'), (SELECT a FROM mine)"
        assert client.query(sql).result_rows == [(77, 7)]
        assert client.query(sql, settings={"max_block_size": 5}).result_rows == [(5, 7)]
        assert client.query(sql).result_rows == [(77, 7)]
        with pytest.raises(DatabaseError) as error:
            other.query("SELECT * FROM mine")
        assert error.value.code == 60


def test_a_session_serves_one_query_at_a_time(server: Server) -> None:
    session = uuid.uuid4().hex
    with server.client(session_id=session) as first, server.client() as second:
        with first.query_row_block_stream("SELECT number FROM numbers(5000000)") as blocks:
            next(iter(blocks))
            with pytest.raises(DatabaseError) as error:
                second.query("SELECT 1", settings={"session_id": session})
        assert error.value.code == 373


def test_a_client_may_send_a_table_along(client: Client) -> None:
    data = ExternalData(
        file_name="ids.csv", data=b"1,a\n3,c\n", fmt="CSV", structure="id UInt64, name String"
    )
    result = client.query(
        "SELECT name FROM ids WHERE id IN {wanted:Array(UInt64)}",
        parameters={"wanted": [3]},
        external_data=data,
    )
    assert result.result_rows == [("c",)]
