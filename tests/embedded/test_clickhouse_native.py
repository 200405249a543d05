"""Native with block info and serializations, for drivers of the native protocol; tests/bi has one read it."""

from __future__ import annotations

import pytest

from streams.embedded.clickhouse.native import REVISION, revised
from tests.embedded.test_clickhouse_http import Front, front

__all__ = ["front"]

BLOCK_INFO = bytes.fromhex("010002ffffffff00")
VALUES = {
    "1::UInt8": "UInt8",
    "-2::Int16": "Int16",
    "3::Int32": "Int32",
    "4::UInt64": "UInt64",
    "5::Int128": "Int128",
    "6::UInt256": "UInt256",
    "true": "Bool",
    "1.5::Float32": "Float32",
    "2.5": "Float64",
    "NULL": "Nullable(Nothing)",
    "toDate('2026-01-02')": "Date",
    "toDate32('1950-01-02')": "Date32",
    "toDateTime('2026-01-02 03:04:05', 'UTC')": "DateTime('UTC')",
    "toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC')": "DateTime64(3, 'UTC')",
    "toIntervalDay(1)": "IntervalDay",
    "toDecimal32(1.5, 2)": "Decimal(9, 2)",
    "toDecimal64(1.5, 2)": "Decimal(18, 2)",
    "toDecimal128(1.5, 2)": "Decimal(38, 2)",
    "toDecimal256(1.5, 2)": "Decimal(76, 2)",
    "'Zoë 😀'": "String",
    "repeat('x', 200)": "String",
    "toFixedString('abc', 5)": "FixedString(5)",
    "generateUUIDv4()": "UUID",
    "toIPv4('127.0.0.1')": "IPv4",
    "toIPv6('::1')": "IPv6",
    "CAST('b, (\\'' AS Enum8('a' = 1, 'b, (\\'' = 2))": "Enum8('a' = 1, 'b, (\\'' = 2)",
    "CAST(NULL AS Nullable(Int64))": "Nullable(Int64)",
    "['x', 'yy']": "Array(String)",
    "[[1, 2], [], [3]]::Array(Array(Nullable(UInt16)))": "Array(Array(Nullable(UInt16)))",
    "[]::Array(Tuple(String, Date))": "Array(Tuple(String, Date))",
    "(1::UInt8, 'x', [2::UInt32])": "Tuple(UInt8, String, Array(UInt32))",
    "CAST((1, 'x'), 'Tuple(a UInt8, `b (c` String)')": "Tuple(\n    a UInt8,\n    `b (c` String)",
    "map('k', 1::UInt8, 'l', 2::UInt8)": "Map(String, UInt8)",
}


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def text(value: str) -> bytes:
    return varint(len(value.encode())) + value.encode()


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("rows", [1, 3])
def test_what_stands_behind_a_column_of_any_type_is_found(front: Front, value: str, rows: int) -> None:
    """`last` tells: it is where the column before it ends."""
    sql = f"SELECT {value} AS x, 'end' AS last FROM numbers({rows}) FORMAT Native"
    plain = front.post(sql).body
    found = front.post(sql, client_protocol_version="54460").body
    head, tail = text("x"), text("last") + text("String")
    assert found.startswith(BLOCK_INFO + varint(2) + varint(rows) + head)
    assert found.endswith(tail + b"\x00" + text("end") * rows)
    assert len(found) == len(plain) + len(BLOCK_INFO) + 2


def test_types_are_what_the_test_above_says(front: Front) -> None:
    for value, kind in VALUES.items():
        assert front.post(f"SELECT toTypeName({value}) FORMAT RawBLOB").body.decode() == kind


def test_every_block_of_a_long_result_has_its_info(front: Front) -> None:
    sql = "SELECT number, toString(number) AS digits FROM numbers(200000)"
    options = {"default_format": "Native", "max_block_size": "50000"}
    plain = front.post(sql, **options).body
    found = front.post(sql, **options, client_protocol_version="54460").body
    assert found == revised(plain)
    assert found.count(BLOCK_INFO + varint(2)) == 4


def test_an_empty_result_and_other_formats_are_as_ever(front: Front) -> None:
    for sql in (
        "SELECT 1 AS x WHERE 0 FORMAT Native",
        "SELECT 1 FORMAT TabSeparated",
        "SELECT 1 FORMAT JSON",
    ):
        plain, found = front.post(sql), front.post(sql, client_protocol_version="54460")
        assert found.body[:10] == plain.body[:10]


def test_an_older_driver_reads_native_as_chdb_writes_it(front: Front) -> None:
    plain = front.post("SELECT 1 AS x FORMAT Native").body
    assert front.post("SELECT 1 AS x FORMAT Native", client_protocol_version=str(REVISION - 1)).body == plain


@pytest.mark.parametrize("value", ["toLowCardinality('x')", "uniqState(1)", "'{}'::JSON", "1::Dynamic"])
def test_a_type_of_unknown_extent_is_refused_by_name(front: Front, value: str) -> None:
    answer = front.post(f"SELECT {value} AS x FORMAT Native", client_protocol_version="54460")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (501, "48")
    assert b"is not served to this driver, cast it" in answer.body


@pytest.mark.parametrize("version", ["x", "-1", "1.5", "٣", "9" * 10])
def test_a_version_that_is_none_is_refused(front: Front, version: str) -> None:
    answer = front.post("SELECT 1", client_protocol_version=version)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "36"
