"""Bodies: whole, within limits, whatever the encoding claims."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Iterable

import pytest

from streams.collector.answers import Refused
from streams.collector.body import MAX_BODY_BYTES, read_body


class Chunks:
    """A source that hands out the given chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    async def readany(self) -> bytes:
        return next(self._chunks, b"")


async def read(*chunks: bytes, encoding: str = "") -> bytes:
    return await read_body(Chunks(chunks), encoding)


async def code_of(*chunks: bytes, encoding: str = "") -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        await read(*chunks, encoding=encoding)
    return refused.value.status, refused.value.code


async def test_a_plain_body_is_read_whole() -> None:
    assert await read(b'{"a"', b": 1}") == b'{"a": 1}'
    assert await read(b"x", encoding="identity") == b"x"


async def test_gzip_is_read_however_it_is_cut() -> None:
    packed = gzip.compress(b"hello" * 1000)
    assert await read(*(packed[i : i + 1] for i in range(len(packed))), encoding="GZip") == b"hello" * 1000


async def test_the_limit_itself_is_allowed_and_one_byte_more_is_not() -> None:
    full = b"x" * MAX_BODY_BYTES
    assert await read(full) == full
    assert await read(gzip.compress(full), encoding="gzip") == full
    assert await code_of(full, b"x") == (400, "too_large")
    assert await code_of(gzip.compress(full + b"x"), encoding="gzip") == (400, "too_large")


@pytest.mark.parametrize(
    "broken",
    [b"", b"not gzip", gzip.compress(b"cut off")[:-1], gzip.compress(b"a") + b"more", zlib.compress(b"a")],
    ids=["empty", "no gzip", "cut off", "more behind it", "zlib"],
)
async def test_what_is_not_one_whole_gzip_stream_is_refused(broken: bytes) -> None:
    assert await code_of(broken, encoding="gzip") == (400, "invalid_gzip")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_other_encodings_are_refused(encoding: str) -> None:
    assert await code_of(b"x", encoding=encoding) == (400, "unsupported_encoding")


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        async def readany(self) -> bytes:
            return await asyncio.Future()

    monkeypatch.setattr("streams.collector.body.READ_SECONDS", 0.01)
    with pytest.raises(Refused) as refused:
        await read_body(Silent(), "")
    assert (refused.value.status, refused.value.code) == (400, "body_timeout")


async def test_a_bomb_is_defused_before_it_has_grown() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(1024)) + packer.flush()
    tracemalloc.start()
    try:
        assert await code_of(bomb, encoding="gzip") == (400, "too_large")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 * 2**20
