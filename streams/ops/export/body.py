"""The bytes of a result as ClickHouse makes them, and whether it came to the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.transform import extract_exception_with_tag
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from streams.clickhouse import one_line
from streams.errors import ClickHouseUnavailable, EngageError
from streams.ops.export.formats import ExportFormat
from streams.ops.export.selection import Selection

# CSV without names: the embedded ClickHouse streams this one and holds the others, so names are added here.
_CLICKHOUSE_FORMAT: Final = {
    ExportFormat.CSV: "CSV",
    ExportFormat.PARQUET: "Parquet",
    ExportFormat.ARROW: "Arrow",
}
# What readers of such files expect; ClickHouse's own defaults differ, or did so once. An empty text stays "".
_SETTINGS: Final[dict[ExportFormat, dict[str, Any]]] = {
    ExportFormat.CSV: {"format_csv_null_representation": ""},
    ExportFormat.PARQUET: {"output_format_parquet_string_as_string": 1},
    ExportFormat.ARROW: {"output_format_arrow_string_as_string": 1},
}
_CHUNK_BYTES: Final = 256 << 10
#: An error behind the rows is at most 16 KiB long, with marks around it.
_HELD_BACK_BYTES: Final = 32 << 10


def body(client: Client, selection: Selection, export_format: ExportFormat) -> Iterator[bytes]:
    """The file's bytes in pieces, of which one or two are in memory; a piece of CSV ends anywhere.

    Nothing of an error that ClickHouse writes behind its rows is passed on.

    Raises:
        EngageError: ClickHouse failed after its first rows.
        ClickHouseUnavailable: the connection broke off.
    """
    if export_format is ExportFormat.CSV:
        yield _header(selection.columns)
    response = client.raw_stream(
        selection.sql,
        parameters=selection.parameters,
        settings=_SETTINGS[export_format],
        fmt=_CLICKHOUSE_FORMAT[export_format],
    )
    yield from _checked(cast(HTTPResponse, response))


def _header(columns: tuple[str, ...]) -> bytes:
    return (",".join(f'"{name}"' for name in columns) + "\n").encode()


def _checked(response: HTTPResponse) -> Iterator[bytes]:
    """All but the last bytes at once; those when they have turned out to be no error."""
    held = b""
    with response:
        for chunk in _chunks(response):
            held += chunk
            if len(held) > _HELD_BACK_BYTES:
                yield held[:-_HELD_BACK_BYTES]
                held = held[-_HELD_BACK_BYTES:]
    tag = response.headers.get("X-ClickHouse-Exception-Tag", "")
    mark = f"__exception__\r\n{tag}".encode()
    if tag and mark in held:
        said = extract_exception_with_tag(held[held.index(mark) :], tag) or "no reason given"
        raise EngageError(f"ClickHouse failed after its first rows: {one_line(Exception(said))}")
    yield held


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(_CHUNK_BYTES):
            yield chunk
    except (HTTPError, OSError) as error:
        raise ClickHouseUnavailable(
            f"ClickHouse broke off after its first rows: {one_line(error)}"
        ) from error
