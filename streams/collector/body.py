"""A request's body as bytes, never more of them than allowed, whatever was sent."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final, Protocol

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from streams.collector.answers import Refused, malformed

MAX_BODY_BYTES: Final = 500 * 1024
"""Of a body as it is after decompression, and so also as it is sent."""
READ_SECONDS: Final = 15.0
_GZIP: Final = 16 + zlib.MAX_WBITS


class Source(Protocol):
    """Where the bytes come from: a part of aiohttp's StreamReader. b"" is the end."""

    async def readany(self) -> bytes: ...


async def read_body(source: Source, content_encoding: str) -> bytes:
    """The body, decompressed.

    Raises:
        Refused: 400 for more than `MAX_BODY_BYTES`, broken gzip, another encoding, or a body that is not
            whole within `READ_SECONDS`.
    """
    collected = _inflating(content_encoding)
    try:
        await asyncio.wait_for(_read(source, collected), READ_SECONDS)
    except asyncio.TimeoutError:
        raise malformed("body_timeout", f"the body did not arrive within {READ_SECONDS:g} s") from None
    except (ConnectionError, HttpProcessingError, web.RequestPayloadError):
        raise malformed(
            "body_incomplete", "the body ended before it was whole, or its chunks are broken"
        ) from None
    return collected.finish()


async def _read(source: Source, collected: Plain | Gunzip) -> None:
    while chunk := await source.readany():
        collected.add(chunk)


def _inflating(content_encoding: str) -> Plain | Gunzip:
    encoding = content_encoding.strip().lower()
    if encoding in ("", "identity"):
        return Plain()
    if encoding in ("gzip", "x-gzip"):
        return Gunzip()
    # "gzip, gzip" as well: a bomb within a bomb.
    raise malformed("unsupported_encoding", "Content-Encoding may be gzip or identity")


class Plain:
    """Collects bytes up to the limit."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def add(self, chunk: bytes) -> None:
        if len(self._parts) + len(chunk) > MAX_BODY_BYTES:
            raise too_large()
        self._parts += chunk

    def finish(self) -> bytes:
        return bytes(self._parts)


class Gunzip(Plain):
    """Decompresses as bytes come in, and stops one byte above the limit."""

    def __init__(self) -> None:
        super().__init__()
        self._inflate = zlib.decompressobj(_GZIP)

    def add(self, chunk: bytes) -> None:
        room = MAX_BODY_BYTES - len(self._parts) + 1
        try:
            inflated = self._inflate.decompress(chunk, room)
        except zlib.error:
            raise _not_gzip() from None
        super().add(inflated)
        if self._inflate.unused_data:
            raise _not_gzip()

    def finish(self) -> bytes:
        if not self._inflate.eof:
            raise _not_gzip()
        return super().finish()


def too_large() -> Refused:
    return malformed("too_large", f"the body is more than {MAX_BODY_BYTES // 1024} KB after decompression")


def _not_gzip() -> Refused:
    return malformed("invalid_gzip", "Content-Encoding is gzip, but the body is not one whole gzip stream")
