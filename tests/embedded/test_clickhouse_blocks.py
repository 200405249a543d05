"""Responses in ClickHouse's own compressed blocks. That drivers can read them is shown in tests/bi."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import lz4.block
import pytest
from clickhouse_cityhash.cityhash import CityHash128
from hypothesis import given
from hypothesis import strategies as st

from streams.embedded.clickhouse.compression import BLOCKS, pack, packer
from tests.embedded.test_clickhouse_http import Front, front

__all__ = ["front"]

LZ4 = 0x82


def unpacked(stream: bytes) -> Iterator[bytes]:
    """The data of each block, read by the description of the format."""
    while stream:
        high, low, method, size, data_size = struct.unpack_from("<QQBII", stream)
        body, stream = stream[16 : 16 + size], stream[16 + size :]
        assert (CityHash128(body), method) == (high << 64 | low, LZ4)
        yield lz4.block.decompress(body[9:], uncompressed_size=data_size)


@given(parts=st.lists(st.binary(max_size=5000), max_size=4))
def test_what_is_added_part_by_part_is_one_stream_of_blocks(parts: list[bytes]) -> None:
    packing = packer(BLOCKS)
    stream = b"".join([*map(packing.add, parts), packing.finish()])
    assert b"".join(unpacked(stream)) == b"".join(parts)


def test_a_block_holds_at_most_a_mebibyte() -> None:
    data = bytes(range(256)) * 10_000
    blocks = list(unpacked(pack(data, BLOCKS)))
    assert b"".join(blocks) == data
    assert [len(block) for block in blocks] == [1 << 20, 1 << 20, len(data) - (2 << 20)]


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "SELECT number FROM numbers(300000)", "SHOW TABLES LIKE 'no such'"]
)
@pytest.mark.parametrize("format", ["TabSeparated", "JSONEachRow", "RowBinary"])
def test_a_client_that_asks_for_blocks_gets_the_answer_in_blocks(front: Front, sql: str, format: str) -> None:
    plain = front.post(sql, default_format=format)
    packed = front.post(sql, {"Accept-Encoding": "gzip"}, default_format=format, compress="1")
    assert "Content-Encoding" not in packed.headers
    assert b"".join(unpacked(packed.body)) == plain.body


def test_an_error_is_told_in_plain_text(front: Front) -> None:
    answer = front.post("SELECT no_such_column", compress="1")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "47")
    assert answer.body.startswith(b"Code: 47. DB::Exception: ")


def test_an_error_behind_the_first_rows_stands_in_the_last_block(front: Front) -> None:
    sql = "SELECT throwIf(number = 400000, 'here') FROM numbers(500000) SETTINGS max_block_size = 1000"
    answer = front.post(sql, compress="1")
    assert b"__exception__" in b"".join(unpacked(answer.body))
