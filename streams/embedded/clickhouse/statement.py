"""Split what a client sends into statement and data, as far as ClickHouse's grammar needs it.

Works on bytes: the data behind an INSERT need not be text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Order matters: comments, quoted text (also $tag$…$tag$) and quoted names come first, so that nothing in them
# counts.
_TOKEN = re.compile(
    rb"(?P<space>\s+|--[^\n]*|\#[ !][^\n]*|/\*.*?\*/)"
    rb"|(?P<text>'(?:[^'\\]|\\.|'')*'|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    rb"|(?P<name>`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.|\"\")*\")"
    rb"|(?P<word>[A-Za-z_][A-Za-z0-9_$]*)"
    rb"|(?P<number>\d[\w.]*)"
    rb"|(?P<other>.)",
    re.DOTALL,
)
_KINDS = ("space", "text", "name", "word", "number", "other")
_RESULTS = frozenset(b"SELECT WITH FROM SHOW DESCRIBE DESC EXISTS EXPLAIN CHECK KILL".split())


@dataclass(frozen=True)
class Token:
    """`kind` is `text`, `name` (quoted), `word`, `number` or `other` (one byte)."""

    kind: str
    text: bytes
    start: int
    end: int
    depth: int

    @property
    def word(self) -> bytes:
        """The bare word in capitals, `b''` for anything else (a quoted name is never a keyword)."""
        return self.text.upper() if self.kind == "word" else b""


_NOTHING = Token("", b"", 0, 0, 0)


@dataclass(frozen=True)
class Insert:
    """An INSERT with rows: `INSERT INTO name (columns)`, the SETTINGS clause or nothing, format, rows."""

    head: bytes
    settings: bytes
    format: str
    data: bytes

    @property
    def statement(self) -> bytes:
        """The whole statement without its rows."""
        return self.head + self.settings + b" FORMAT " + self.format.encode()


def tokens(sql: bytes) -> Iterator[Token]:
    """Tokens without space and comments; `depth` counts open round brackets."""
    depth = position = 0
    while position < len(sql):
        found = _TOKEN.match(sql, position)
        if found is None:
            return
        kind, text = next(kind for kind in _KINDS if found.group(kind) is not None), found.group()
        if text == b")":
            depth -= 1
        if kind != "space":
            yield Token(kind, text, found.start(), found.end(), depth)
        if text == b"(":
            depth += 1
        position = found.end()


def first_word(sql: bytes) -> bytes:
    """The first keyword in capitals; opening brackets are stepped over."""
    return next((token.word for token in tokens(sql) if token.text != b"("), b"")


def returns_rows(sql: bytes) -> bool:
    """Whether ClickHouse answers with a result set, so that the answer has a format."""
    return first_word(sql) in _RESULTS


def output_format(sql: bytes) -> str | None:
    """The name in a FORMAT clause outside brackets, if there is one."""
    if b"format" not in sql.lower():
        return None
    found, after_format = None, False
    for token in tokens(sql):
        if after_format and token.kind == "word":
            found = token.text.decode()
        after_format = token.depth == 0 and token.word == b"FORMAT"
    return found


def touches_files(sql: bytes) -> bool:
    """Whether INTO OUTFILE or FROM INFILE occurs."""
    if b"file" not in sql.lower():
        return False
    before = b""
    for token in tokens(sql):
        if (before, token.word) in ((b"INTO", b"OUTFILE"), (b"FROM", b"INFILE")):
            return True
        before = token.word
    return False


def calls(sql: bytes, name: bytes) -> bool:
    """Whether the bare word `name` (capitals) stands before an opening bracket."""
    if name not in sql.upper():
        return False
    before = b""
    for token in tokens(sql):
        if token.text == b"(" and before == name:
            return True
        before = token.word
    return False


def split_insert(sql: bytes) -> Insert | None:
    """Take apart `INSERT INTO … FORMAT Name␤data` and `INSERT INTO … VALUES data`; `None` for all else.

    The data of a format begins behind blanks and one line feed, as in ClickHouse.
    """
    stream = tokens(sql)
    if next(stream, _NOTHING).word != b"INSERT":
        return None
    _skip_table_name(stream)
    settings_at = None
    for token in stream:
        word = token.word if token.depth == 0 else b""
        if word in (b"SELECT", b"WITH", b"WATCH", b"FROM"):
            return None
        if word == b"SETTINGS" and settings_at is None:
            settings_at = token.start
        if word == b"VALUES":
            return _insert(sql, token.start, settings_at, "Values", sql[token.end :])
        if word == b"FORMAT":
            name = next(stream, _NOTHING)
            return _insert(
                sql,
                token.start,
                settings_at,
                name.text.decode(errors="replace"),
                _behind_format(sql, name.end),
            )
    return None


def _insert(sql: bytes, end: int, settings_at: int | None, format: str, data: bytes) -> Insert:
    middle = end if settings_at is None else settings_at
    return Insert(sql[:middle], sql[middle:end], format, data)


def _skip_table_name(stream: Iterator[Token]) -> None:
    """Step over `INTO [TABLE|FUNCTION] name`, so that a table may be called `format`."""
    for token in stream:
        if token.word not in (b"INTO", b"TABLE", b"FUNCTION"):
            return


def _behind_format(sql: bytes, position: int) -> bytes:
    while sql[position : position + 1] in (b" ", b"\t", b"\f", b"\r"):
        position += 1
    if sql[position : position + 1] == b"\n":
        position += 1
    return sql[position:]
