"""The files of sql/queries: a header of four parts, then one statement."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "sql" / "queries"
_HEADER: Final = re.compile(
    r"-- EN: (?P<en>.+)\n-- DE: (?P<de>.+)\n-- Views: (?P<views>.+)\n-- Read: (?P<read>.+\n(?:--   .+\n)*)"
)


class Question(NamedTuple):
    """`views` as the header names them, in order."""

    name: str
    en: str
    de: str
    views: tuple[str, ...]
    sql: str


def _read(path: Path) -> Question:
    text = path.read_text()
    header = _HEADER.match(text)
    assert header is not None, f"{path.name}: the header is EN, DE, Views, Read"
    return Question(path.stem, header["en"], header["de"], tuple(header["views"].split(", ")), text)


QUESTIONS: Final = {path.stem: _read(path) for path in sorted(DIRECTORY.glob("*.sql"))}


def statement(question: Question) -> str:
    """Without comments."""
    return re.sub(r"--[^\n]*", "", question.sql)
