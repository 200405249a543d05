"""Bodies that are packed: several frames, cut off, or larger than they look."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.embedded.clickhouse.compression import ENCODINGS, choose_encoding, decompress, pack, packer
from streams.embedded.clickhouse.errors import QueryError

LIMIT_BYTES = 10 << 20


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(blocks=st.lists(st.binary(max_size=5000), max_size=4))
def test_what_is_packed_in_blocks_is_one_stream(encoding: str, blocks: list[bytes]) -> None:
    packing = packer(encoding)
    packed = b"".join([*(packing.add(block) for block in blocks), packing.finish()])
    assert decompress(packed, encoding, LIMIT_BYTES) == b"".join(blocks)


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_several_frames_are_unpacked_as_one_body(encoding: str) -> None:
    packed = pack(b"a" * 100_000, encoding) + pack(b"", encoding) + pack(b"b", encoding)
    assert decompress(packed, encoding, LIMIT_BYTES) == b"a" * 100_000 + b"b"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_small_body_that_would_become_large_is_refused(encoding: str) -> None:
    bomb = pack(bytes(LIMIT_BYTES + 1), encoding)
    assert len(bomb) < 100_000
    with pytest.raises(QueryError) as error:
        decompress(bomb, encoding, LIMIT_BYTES)
    assert (error.value.code, error.value.status) == (106, 413)
    assert len(decompress(pack(bytes(LIMIT_BYTES), encoding), encoding, LIMIT_BYTES)) == LIMIT_BYTES


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_that_is_cut_off_or_no_such_encoding_is_refused(encoding: str) -> None:
    whole = pack(bytes(range(256)) * 100, encoding)
    for broken in (whole[:-5], whole[:5], b"no such data", whole + b"rubbish"):
        with pytest.raises(QueryError) as error:
            decompress(broken, encoding, LIMIT_BYTES)
        assert error.value.code == 271


def test_other_encodings_are_refused_and_none_is_none() -> None:
    with pytest.raises(QueryError) as error:
        decompress(b"x", "br", LIMIT_BYTES)
    assert (error.value.code, error.value.status) == (48, 501)
    assert decompress(b"x", "", LIMIT_BYTES) == decompress(b"x", "identity", LIMIT_BYTES) == b"x"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_standard_tools_unpack_it(encoding: str) -> None:
    unpack = gzip.decompress if encoding == "gzip" else zlib.decompress
    assert unpack(pack(b"text", encoding)) == b"text"


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", ""),
        ("br", ""),
        ("gzip, deflate", "gzip"),
        ("gzip;q=0.5,LZ4", "lz4"),
        ("lz4;q=0, zstd", "zstd"),
        ("*", ""),
    ],
)
def test_the_cheapest_encoding_that_a_client_accepts_is_chosen(accepted: str, chosen: str) -> None:
    assert choose_encoding(accepted) == chosen
