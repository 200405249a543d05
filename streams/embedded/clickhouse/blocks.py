"""ClickHouse's own compressed blocks, which a client asks for with `compress=1`.

JDBC drivers do so unless they are told not to. A block: CityHash128 (version 1.0.2) of the rest, method,
size of all but the checksum, size of the data, data; integers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import lz4.block  # type: ignore[import-untyped]
from clickhouse_cityhash.cityhash import CityHash128  # type: ignore[import-untyped]

_LZ4 = 0x82
_HEADER = struct.Struct("<BII")
_CHECKSUM = struct.Struct("<QQ")
_LOW = (1 << 64) - 1
# A server's max_compress_block_size.
_BLOCK_BYTES = 1 << 20


class BlockPacker:
    """A `Packer` whose stream is a sequence of blocks; no data are no block."""

    def add(self, data: bytes) -> bytes:
        return b"".join(_blocks(data))

    def finish(self) -> bytes:
        return b""


def _blocks(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    for start in range(0, len(view), _BLOCK_BYTES):
        piece = view[start : start + _BLOCK_BYTES]
        packed = lz4.block.compress(piece, store_size=False)
        body = _HEADER.pack(_LZ4, _HEADER.size + len(packed), len(piece)) + packed
        checksum = CityHash128(body)
        yield _CHECKSUM.pack(checksum >> 64, checksum & _LOW) + body
