"""HTTP bodies in gzip, deflate, lz4 (frames) and zstd: unpacked up to a limit, packed as one stream."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]

from streams.embedded.clickhouse.blocks import BlockPacker
from streams.embedded.clickhouse.errors import (
    CANNOT_DECOMPRESS,
    NOT_IMPLEMENTED,
    QUERY_IS_TOO_LARGE,
    query_error,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# In the order in which the front prefers them: on one machine the cheapest for the processor wins.
ENCODINGS = ("lz4", "zstd", "gzip", "deflate")
# No encoding of HTTP: the body itself consists of ClickHouse's compressed blocks.
BLOCKS = "blocks"
_STEP_BYTES = 4 << 20
# The libraries copy what lies behind a frame, so bodies of many small frames are given to them in pieces,
# and there is an end to them.
_PIECE_BYTES = 64 << 10
_MOST_FRAMES = 100_000


class _Inflater(Protocol):
    """The common part of the three libraries' decompressors for one frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """`zlib.decompressobj` keeps what it has not read; the other libraries keep it inside."""

    def __init__(self, wbits: int) -> None:
        self._object = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, max_length)


_INFLATERS: dict[str, Callable[[], _Inflater]] = {
    "gzip": lambda: _Zlib(31),
    "deflate": lambda: _Zlib(15),
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
}


def decompress(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Unpack all frames of `body`; never holds more than `limit_bytes` plus one step.

    Raises:
        QueryError: unknown encoding, broken or cut-off data, or more than `limit_bytes`.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in _INFLATERS:
        raise query_error(
            NOT_IMPLEMENTED, f"Content-Encoding {encoding!r} is not served; use one of {', '.join(ENCODINGS)}"
        )
    try:
        return _inflate(body, _INFLATERS[encoding], limit_bytes)
    except (RuntimeError, EOFError, ValueError, zlib.error, zstd.ZstdError) as error:
        raise query_error(CANNOT_DECOMPRESS, f"Cannot decompress the {encoding} body: {error}") from error


def _inflate(body: bytes, make: Callable[[], _Inflater], limit_bytes: int) -> bytes:
    unpacked = bytearray()
    inflater: _Inflater | None = None
    frames = 0
    for start in range(0, len(body), _PIECE_BYTES):
        data = body[start : start + _PIECE_BYTES]
        while data:
            if inflater is None or inflater.eof:
                inflater, frames = make(), frames + 1
            if frames > _MOST_FRAMES:
                raise ValueError(f"it has more than {_MOST_FRAMES} frames")
            data = _feed(inflater, data, unpacked, limit_bytes)
    if inflater is not None and not inflater.eof:
        raise EOFError("it ends in the middle")
    return bytes(unpacked)


def _feed(inflater: _Inflater, data: bytes, unpacked: bytearray, limit_bytes: int) -> bytes:
    """Append to `unpacked` what `data` gives; returns what lies behind the end of the frame."""
    step = inflater.decompress(data, _STEP_BYTES)
    while step and not inflater.eof:
        _append(step, unpacked, limit_bytes)
        step = inflater.decompress(b"", _STEP_BYTES)
    _append(step, unpacked, limit_bytes)
    return inflater.unused_data or b""


def _append(step: bytes, unpacked: bytearray, limit_bytes: int) -> None:
    if len(unpacked) + len(step) > limit_bytes:
        raise query_error(
            QUERY_IS_TOO_LARGE, f"The body is larger than {limit_bytes} bytes once decompressed"
        )
    unpacked += step


class Packer(Protocol):
    """Packs a response as one stream, so that a client needs one decompressor for all of it."""

    def add(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class _Plain:
    def add(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class _ZlibPacker:
    def __init__(self, wbits: int) -> None:
        self._object = zlib.compressobj(level=1, wbits=wbits)

    def add(self, data: bytes) -> bytes:
        return self._object.compress(data)

    def finish(self) -> bytes:
        return self._object.flush()


class _ZstdPacker:
    def __init__(self) -> None:
        self._object = zstd.ZstdCompressor(level=1)

    def add(self, data: bytes) -> bytes:
        return bytes(self._object.compress(data))

    def finish(self) -> bytes:
        return bytes(self._object.flush())


class _Lz4Packer:
    def __init__(self) -> None:
        self._object: Any = lz4.frame.LZ4FrameCompressor()
        self._head = self._object.begin()

    def add(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._object.compress(data))

    def finish(self) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._object.flush())


_PACKERS: dict[str, Callable[[], Packer]] = {
    "": _Plain,
    "gzip": lambda: _ZlibPacker(31),
    "deflate": lambda: _ZlibPacker(15),
    "lz4": _Lz4Packer,
    "zstd": _ZstdPacker,
    BLOCKS: BlockPacker,
}


def packer(encoding: str) -> Packer:
    return _PACKERS[encoding]()


def pack(data: bytes, encoding: str) -> bytes:
    whole = packer(encoding)
    return whole.add(data) + whole.finish()


def choose_encoding(accept_encoding: str) -> str:
    """The first of `ENCODINGS` that the client accepts; `''` for none. Qualities above 0 are not weighed."""
    offers = {
        name.strip().lower(): rest
        for name, _, rest in (part.partition(";") for part in accept_encoding.split(","))
    }
    return next((name for name in ENCODINGS if name in offers and offers[name].replace(" ", "") != "q=0"), "")
