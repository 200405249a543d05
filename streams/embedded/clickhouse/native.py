"""The Native format for drivers that speak ClickHouse's own protocol over HTTP, such as Grafana's.

They name the version of the protocol that they read (`client_protocol_version`). A server then puts a few
bytes in front of each block and behind the type of each column; chDB writes Native without them. To find the
places, the extent of every column is worked out from its type.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from contextlib import closing

from streams.embedded.clickhouse.errors import NOT_IMPLEMENTED, query_error

# From here on a column says whether it has a serialization of its own, and a block has its info.
# Drivers of earlier versions look whether they get what they ask for, and read Native without it as well.
REVISION = 54454
# Fields 1 (is_overflows) and 2 (bucket_num) with what they are in a result, then the end.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_ORDINARY = b"\x00"
_WIDTHS = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Date", "Enum16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "IPv4"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "UUID", "IPv6"), 16),
    **dict.fromkeys(("Int256", "UInt256"), 32),
}
# The most digits of a Decimal that so many bytes hold.
_DECIMALS = ((9, 4), (18, 8), (38, 16), (76, 32))
_TYPE = re.compile(r"(?P<name>\w+)(?:\((?P<arguments>.*)\))?\Z", re.DOTALL)
_ARGUMENT = re.compile(r"'(?:\\.|[^'\\])*'|[(),]|[^'(),]+", re.DOTALL)
# Of a Tuple: `name Type`, the name perhaps in backquotes.
_NAMED = re.compile(r"(?:`(?:\\.|[^`\\])*`|\w+) (?=\w)")


def revised_blocks(blocks: Generator[bytes]) -> Generator[bytes]:
    """Each of these whole blocks as `revised`; closing the result closes `blocks`."""
    with closing(blocks):
        for block in blocks:
            yield revised(block)


def revised(native: bytes) -> bytes:
    """Blocks as chDB writes them, as REVISION has them.

    Raises:
        QueryError: 48 for a column of a type whose extent is not known here.
    """
    return b"".join(_parts(native))


def _parts(native: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(native):
        columns, start = _varint(native, position)
        rows, end = _varint(native, start)
        yield _BLOCK_INFO + native[position:end]
        position = end
        for _ in range(columns):
            behind_type, kind = _head(native, position)
            end = _end(native, behind_type, kind, rows)
            yield native[position:behind_type] + _ORDINARY
            yield native[behind_type:end]
            position = end


def _head(data: bytes, position: int) -> tuple[int, str]:
    """The place behind a column's name and type, and the type."""
    size, position = _varint(data, position)
    position += size
    size, position = _varint(data, position)
    return position + size, data[position : position + size].decode()


def _end(data: bytes, position: int, kind: str, rows: int) -> int:
    """Where so many values of a type end that begin at `position`."""
    found = _TYPE.match(kind)
    name, arguments = (found["name"], found["arguments"] or "") if found else (kind, "")
    if name == "String":
        return _end_of_strings(data, position, rows)
    if name == "Nullable":
        return _end(data, position + rows, arguments, rows)
    if name == "Tuple":
        for part in _arguments(arguments):
            position = _end(data, position, _NAMED.sub("", part, count=1), rows)
        return position
    if name in ("Array", "Map"):
        item = arguments if name == "Array" else f"Tuple({arguments})"
        return _end(data, position + 8 * rows, item, _last_offset(data, position, rows))
    return position + rows * _width(kind, name, arguments)


def _width(kind: str, name: str, arguments: str) -> int:
    if name == "FixedString":
        return int(arguments)
    if name == "Decimal":
        digits = int(arguments.partition(",")[0])
        return next(width for most, width in _DECIMALS if digits <= most)
    width = 8 if name.startswith("Interval") else _WIDTHS.get(name)
    if width is None:
        raise query_error(
            NOT_IMPLEMENTED, f"A column of the type {kind[:100]} is not served to this driver, cast it"
        )
    return width


def _end_of_strings(data: bytes, position: int, rows: int) -> int:
    for _ in range(rows):
        size = data[position]
        position += 1
        if size > 127:
            size, position = _varint(data, position - 1)
        position += size
    return position


def _last_offset(data: bytes, position: int, rows: int) -> int:
    return int(struct.unpack_from("<Q", data, position + 8 * (rows - 1))[0]) if rows else 0


def _arguments(text: str) -> Iterator[str]:
    """The parts between the commas that stand in no brackets and no quotes."""
    depth, part = 0, ""
    for piece in _ARGUMENT.findall(text):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            yield part.strip()
            part = ""
        else:
            part += piece
    if part:
        yield part.strip()


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number in 7 bits a byte, least first, and the place behind it."""
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, position
        shift += 7
