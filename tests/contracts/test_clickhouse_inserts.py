"""All ways in which rows go into ClickHouse over HTTP, by way of clickhouse-connect."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import lz4.frame
import pyarrow
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.contracts.conftest import Server
from tests.contracts.rows import AT, COLUMNS, NASTY, TABLE, rows

Create = Callable[..., str]


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip", "deflate"])
def test_rows_go_in_and_come_out_in_native_format(
    server: Server, table: Create, compress: bool | str
) -> None:
    name = table(TABLE)
    with server.client(compress=compress) as client:
        if compress != "deflate":  # clickhouse-connect packs no inserts with it
            assert client.insert(name, rows(1000), column_names=COLUMNS).written_rows == 1000
        else:
            client.command(
                f"INSERT INTO {name} SELECT number, 'name-' || number::String, 0 FROM numbers(1000)"
            )
        found = client.query(f"SELECT id, name FROM {name} ORDER BY id").result_rows
    assert found == [(number, f"name-{number}") for number in range(1000)]


def test_columns_of_every_kind_that_the_tables_use_come_back_equal(client: Client, table: Create) -> None:
    name = table(
        "a String, b LowCardinality(String), c DateTime64(3, 'UTC'), d Nullable(DateTime64(3, 'UTC')), "
        "e Date, f DateTime('UTC'), g Map(LowCardinality(String), UInt64), h Float64, i Int64, j UInt8, "
        "k Array(String)"
    )
    row = ("x", "y", AT, None, AT.date(), AT.replace(microsecond=0), {"p": 2**60}, 0.1, -(2**63), 255, NASTY)
    client.insert(name, [[value] for value in row], column_names=list("abcdefghijk"), column_oriented=True)
    assert client.query(f"SELECT * FROM {name}", tz_mode="aware").result_rows == [row]


def test_every_text_and_every_byte_comes_back_as_it_was_sent(client: Client, table: Create) -> None:
    name = table("id UInt64, value String")
    every_byte = bytes(range(256)) * 10
    client.insert(
        name,
        [[0, every_byte], [1, b""]],
        column_names=["id", "value"],
        column_type_names=["UInt64", "String"],
    )
    client.insert(name, [[2 + i, text] for i, text in enumerate(NASTY)], column_names=["id", "value"])
    found = client.query(
        f"SELECT value FROM {name} ORDER BY id", query_formats={"String": "bytes"}
    ).result_columns[0]
    assert found == [every_byte, b"", *(text.encode() for text in NASTY)]


def test_arrow_tables_go_in_and_come_out(client: Client, table: Create) -> None:
    name = table("id UInt64, name String")
    data = pyarrow.table(
        {"id": pyarrow.array(range(1000), pyarrow.uint64()), "name": [f"n{i}" for i in range(1000)]}
    )
    assert client.insert_arrow(name, data).written_rows == 1000
    assert (
        client.query_arrow(f"SELECT * FROM {name} ORDER BY id", use_strings=True).to_pylist()
        == data.to_pylist()
    )
    with client.query_arrow_stream(f"SELECT id FROM {name}") as batches:
        assert sum(batch.num_rows for batch in batches) == 1000


def _pack(data: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(data)
    if encoding == "lz4":
        # Two frames, which is how clickhouse-connect sends several blocks.
        return bytes(lz4.frame.compress(data[:10]) + lz4.frame.compress(data[10:]))
    from clickhouse_connect.driver.compression import _zstd_compress

    return _zstd_compress(data[:10]) + _zstd_compress(data[10:])


@pytest.mark.parametrize("encoding", [None, "gzip", "lz4", "zstd"])
@pytest.mark.parametrize(
    ("fmt", "data"),
    [
        ("JSONEachRow", b'{"id":1,"name":"a\\u0000\\ud83d\\ude00"}\n{"id":2,"name":"b"}\n'),
        ("CSV", b"1,a\n2,b\n"),
        ("TSV", b"1\ta\n2\tb\n"),
    ],
)
def test_raw_data_goes_in_packed_or_not(
    client: Client, table: Create, fmt: str, data: bytes, encoding: str | None
) -> None:
    name = table("id UInt64, name String")
    block = _pack(data, encoding) if encoding else data
    summary = client.raw_insert(name, ["id", "name"], block, fmt=fmt, compression=encoding)
    assert summary.written_rows == 2
    expected = "a\0😀" if fmt == "JSONEachRow" else "a"
    assert client.query(f"SELECT * FROM {name} ORDER BY id").result_rows == [(1, expected), (2, "b")]


def test_raw_data_may_come_from_a_generator(client: Client, table: Create) -> None:
    name = table("id UInt64, name String")

    def lines() -> Iterator[bytes]:
        for number in range(5000):
            yield b'{"id":%d,"name":"x"}\n' % number

    assert client.raw_insert(name, ["id", "name"], lines(), fmt="JSONEachRow").written_rows == 5000


def test_an_insert_spread_over_300_months_needs_the_setting_and_then_works(
    client: Client, table: Create
) -> None:
    name = table(TABLE, "ENGINE = MergeTree ORDER BY id PARTITION BY toYYYYMM(at)")
    data = [[n, "", datetime(2000 + n // 12, n % 12 + 1, 1, tzinfo=timezone.utc)] for n in range(300)]
    with pytest.raises(DatabaseError) as error:
        client.insert(name, data, column_names=COLUMNS, settings={"max_partitions_per_insert_block": 100})
    assert error.value.code == 252
    assert client.command(f"SELECT count() FROM {name}") == 0
    client.insert(name, data, column_names=COLUMNS, settings={"max_partitions_per_insert_block": 0})
    assert client.command(f"SELECT uniqExact(_partition_id) FROM {name}") == 300


def test_a_broken_insert_writes_nothing_and_says_where(client: Client, table: Create) -> None:
    name = table("id UInt64, name String")
    with pytest.raises(DatabaseError) as error:
        client.raw_insert(name, None, b'{"id":1}\n{"id":"zz"}\n', fmt="JSONEachRow")
    assert error.value.code == 27
    assert "row 2" in str(error.value)
    assert client.command(f"SELECT count() FROM {name}") == 0


def test_rows_that_a_table_refuses_are_an_error(client: Client, table: Create) -> None:
    name = table("id UInt64, CONSTRAINT small CHECK id < 5")
    with pytest.raises(DatabaseError) as error:
        client.insert(name, [[1], [7]], column_names=["id"])
    assert error.value.code == 469
    assert client.command(f"SELECT count() FROM {name}") == 0


def test_a_materialized_view_that_fails_is_an_error(client: Client, table: Create) -> None:
    source, target = table(TABLE), table("id UInt64")
    client.command(
        f"CREATE MATERIALIZED VIEW mv_{source} TO {target} AS SELECT throwIf(id = 3) AS id FROM {source}"
    )
    try:
        with pytest.raises(DatabaseError) as error:
            client.insert(source, rows(10), column_names=COLUMNS)
        assert error.value.code == 395
    finally:
        client.command(f"DROP VIEW mv_{source}")


def test_a_repeated_insert_with_the_same_token_is_dropped(client: Client, table: Create) -> None:
    name = table(TABLE, "ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100")
    settings = {"insert_deduplicate": 1, "insert_deduplication_token": "batch-1"}
    for _ in range(2):
        client.insert(name, rows(10), column_names=COLUMNS, settings=settings)
    assert client.command(f"SELECT count() FROM {name}") == 10


def test_a_materialized_view_sees_every_insert(client: Client, table: Create) -> None:
    source, target = table(TABLE), table("id UInt64")
    client.command(f"CREATE MATERIALIZED VIEW mv_{source} TO {target} AS SELECT id FROM {source}")
    try:
        client.insert(source, rows(100), column_names=COLUMNS)
        assert client.command(f"SELECT count() FROM {target}") == 100
    finally:
        client.command(f"DROP VIEW mv_{source}")
