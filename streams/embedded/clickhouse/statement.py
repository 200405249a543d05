"""Split what a client sends into statement and data, as far as ClickHouse's grammar needs it.

Works on bytes: the data behind an INSERT need not be text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from streams.embedded.clickhouse.errors import SYNTAX_ERROR, QueryError, query_error

MAX_STATEMENT_BYTES = 16 << 20
"""The longest statement, without the rows behind an INSERT."""

# Of comments and quoted texts this finds the beginning; `_extent` says where they end.
_TOKEN = re.compile(
    rb"(?P<space>\s+|(?:--|//|\#[ !])[^\n]*)"
    rb"|(?P<comment>/\*)"
    rb"|(?P<text>')"
    rb"|(?P<heredoc>\$\w*\$)"
    rb"|(?P<name>[`\"])"
    rb"|(?P<word>[A-Za-z_][A-Za-z0-9_$]*)"
    rb"|(?P<number>\d[\w.]*)"
    rb"|(?P<other>.)",
    re.DOTALL,
)
_COMMENT = re.compile(rb"/\*|\*/")
_OPEN = -1
_QUOTED = {
    quote: re.compile(rb"\\.|%b%b|%b" % (quote, quote, quote), re.DOTALL) for quote in (b"'", b"`", b'"')
}
_RESULTS = frozenset(b"SELECT WITH FROM SHOW DESCRIBE DESC EXISTS EXPLAIN CHECK KILL".split())


@dataclass(frozen=True)
class Token:
    """`kind` is `text`, `name` (quoted), `word`, `number` or `other` (one byte, or what is not closed)."""

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


def too_long() -> QueryError:
    return query_error(SYNTAX_ERROR, f"Max query size exceeded: {MAX_STATEMENT_BYTES} bytes")


def tokens(sql: bytes) -> Iterator[Token]:
    """Tokens without space and comments; `depth` counts open round brackets.

    What is not closed, which ClickHouse refuses, is one token of the kind `other` up to the end. The time
    grows with the length of `sql` and not faster, whatever is in it.

    Raises:
        QueryError: the statement is too long.
    """
    depth = position = 0
    while found := _TOKEN.match(sql, position):
        kind, position = _extent(sql, found)
        text = sql[found.start() : position]
        if found.start() > MAX_STATEMENT_BYTES:
            raise too_long()
        if text == b")":
            depth -= 1
        if kind != "space":
            yield Token(kind, text, found.start(), position, depth)
        if text == b"(":
            depth += 1


def _extent(sql: bytes, found: re.Match[bytes]) -> tuple[str, int]:
    """Kind and end of the token that begins as `found`."""
    kind, opening, end = found.lastgroup or "", found.group(), found.end()
    if kind == "comment":
        kind, end = "space", _end_of_comment(sql, end)
    elif kind in ("text", "name"):
        end = _end_of_quoted(sql, end, opening)
    elif kind == "heredoc":
        closing = sql.find(opening, end)
        kind, end = "text", _OPEN if closing < 0 else closing + len(opening)
    return (kind, end) if end != _OPEN else ("other", len(sql))


def _end_of_comment(sql: bytes, position: int) -> int:
    """Comments may lie within each other."""
    level = 1
    for found in _COMMENT.finditer(sql, position):
        level += 1 if found.group() == b"/*" else -1
        if level == 0:
            return found.end()
    return _OPEN


def _end_of_quoted(sql: bytes, position: int, quote: bytes) -> int:
    ends = (found.end() for found in _QUOTED[quote].finditer(sql, position) if found.group() == quote)
    return next(ends, _OPEN)


def first_word(sql: bytes) -> bytes:
    """The first keyword in capitals; opening brackets are stepped over."""
    # As many brackets as there may be are stepped over at once.
    return next((token.word for token in tokens(sql.lstrip(b"( \t\n\r")) if token.text != b"("), b"")


def returns_rows(sql: bytes) -> bool:
    """Whether ClickHouse answers with a result set, so that the answer has a format."""
    return first_word(sql) in _RESULTS


def output_format(sql: bytes) -> str | None:
    """The name in a FORMAT clause outside brackets, if there is one."""
    if b"format" not in sql.lower():
        return None
    found, after_format = None, False
    for token in tokens(sql):
        if after_format and token.kind in ("word", "name"):
            found = token.text.strip(b'`"').decode(errors="replace")
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


def fits_brackets(sql: bytes) -> bool:
    """Whether `sql` between round brackets stays between them, whatever it is."""
    open_brackets = 0
    for token in tokens(sql):
        is_open_text = token.kind == "other" and len(token.text) > 1
        if is_open_text or token.depth < 0 or token.text == b";":
            return False
        open_brackets += (token.text == b"(") - (token.text == b")")
    return open_brackets == 0


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
