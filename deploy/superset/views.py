"""What `sql/views` says about a view: its columns with types and comments, and its own comment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "sql" / "views"
_TEXT: Final = r"'((?:[^']|'')*)'"
_COLUMN: Final = re.compile(rf"^    (\w+) (\S.*?) COMMENT {_TEXT},?$", re.MULTILINE)
_COMMENT: Final = re.compile(rf"^COMMENT {_TEXT}$", re.MULTILINE)


class Column(NamedTuple):
    """`type` is ClickHouse's."""

    name: str
    type: str
    comment: str

    @property
    def is_temporal(self) -> bool:
        return "Date" in self.type


class View(NamedTuple):
    """A view as BI tools see it."""

    name: str
    comment: str
    columns: tuple[Column, ...]


def view(name: str) -> View:
    """Read `sql/views/NAME.sql`."""
    text = (DIRECTORY / f"{name}.sql").read_text()
    columns = tuple(Column(column, kind, _plain(said)) for column, kind, said in _COLUMN.findall(text))
    (comment,) = _COMMENT.findall(text)
    return View(name, _plain(comment), columns)


def _plain(quoted: str) -> str:
    return quoted.replace("''", "'")
