"""Prints what a query returns: a table for people, or text for programs."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal, Optional, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class OutputFormat(str, Enum):
    """`table` for people; `tsv` and `csv` with a line of names; `json` is one array of objects."""

    TABLE = "table"
    TSV = "tsv"
    CSV = "csv"
    JSON = "json"


#: The option of every command that prints rows.
Format = Annotated[
    Optional[OutputFormat],  # noqa: UP045 (typer reads it on Python 3.10 too)
    typer.Option(
        "--format", help="json is one array of objects.", show_default="table on a terminal, else tsv"
    ),
]


_CLICKHOUSE_FORMAT = {
    OutputFormat.TABLE: "JSONCompactStrings",
    OutputFormat.TSV: "TabSeparatedWithNames",
    OutputFormat.CSV: "CSVWithNames",
    OutputFormat.JSON: "JSONEachRow",
}
_SETTINGS = {
    # Errors come before the first byte of a result, not in the middle of it.
    "wait_end_of_query": 1,
    "output_format_json_array_of_rows": 1,
    "output_format_json_quote_64bit_integers": 0,
}
_PAGE_WIDTH = 160
"""Columns of a table that goes to a file or a pipe, where there is no window to fit into."""
_NULL = "ᴺᵁᴸᴸ"  # as ClickHouse writes it in this format
_NUMBERS = ("Int", "UInt", "Float", "Decimal")


def print_query(
    client: Client,
    sql: str,
    output_format: OutputFormat | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Run a query and print its result; by default a table on a terminal and TSV elsewhere.

    `parameters` are values for `{name:Type}` in the query, sent beside it. A FORMAT clause in the query wins.
    """
    chosen = choose(output_format)
    answer = cast(
        BinaryIO,
        client.raw_stream(
            sql,
            parameters=dict(parameters or {}),
            settings=_SETTINGS,
            transport_settings={"X-ClickHouse-Format": _CLICKHOUSE_FORMAT[chosen]},
        ),
    )
    if chosen is OutputFormat.TABLE:
        _print_table(answer.read())
    else:
        shutil.copyfileobj(answer, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def choose(output_format: OutputFormat | None) -> OutputFormat:
    """The format asked for, or else the one that suits where the output goes."""
    return output_format or (OutputFormat.TABLE if sys.stdout.isatty() else OutputFormat.TSV)


def page_console() -> Console:
    """Standard output, wide enough for tables where it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else _PAGE_WIDTH)


def plain(text: str) -> str:
    r"""The text, with what could steer a terminal or reorder a line shown as its code, such as `\x1b`."""
    return "".join(char if _is_harmless(char) else char.encode("unicode_escape").decode() for char in text)


def cell(value: object) -> Text:
    """One value as literal text: no markup in it is obeyed."""
    if value is None:
        return Text("–", style="dim")
    return Text(plain(str(value)))


def _print_table(body: bytes) -> None:
    if not body:  # a statement without a result
        return
    try:
        result = json.loads(body.decode(errors="replace"))
        columns, rows = result["meta"], result["data"]
    except (ValueError, KeyError, TypeError):  # the query has a FORMAT clause of its own
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    table = Table()
    for column in columns:
        justify: Literal["left", "right"] = "right" if _is_number(column["type"]) else "left"
        table.add_column(cell(column["name"]), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(cell(None if value == _NULL else value) for value in row))
    page_console().print(table)


def _is_number(clickhouse_type: str) -> bool:
    return clickhouse_type.removeprefix("Nullable(").startswith(_NUMBERS)


def _is_harmless(char: str) -> bool:
    # Cf holds the marks that reverse the direction of text, but also the joiner inside many emoji.
    return char == "\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
