"""Run one request on the engine. Blocking; called in a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator

from streams.embedded.clickhouse import native, reader
from streams.embedded.clickhouse.engine import Handle, Summary, quote_name
from streams.embedded.clickhouse.errors import (
    BAD_ARGUMENTS,
    INTO_OUTFILE_NOT_ALLOWED,
    NOT_IMPLEMENTED,
    READONLY,
    SYNTAX_ERROR,
    query_error,
)
from streams.embedded.clickhouse.request import READER, Request
from streams.embedded.clickhouse.sessions import Lease, Sessions
from streams.embedded.clickhouse.statement import (
    MAX_STATEMENT_BYTES,
    Insert,
    calls,
    first_word,
    fits_brackets,
    output_format,
    returns_rows,
    split_insert,
    too_long,
    touches_files,
)

# chDB streams blocks that are each complete in their format: only those without head and foot can be joined.
_STREAMED = frozenset(
    {"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow", "JSONLines", "NDJSON"}
)


class Answer:
    """A result: its first block, and the rest as it comes. `format` is `''` where there is no result set."""

    def __init__(
        self, first: bytes, format: str, summary: Summary, rest: Generator[bytes] | None = None
    ) -> None:
        self.first = first
        self.format = format
        self.summary = summary
        self._rest = rest
        self._lease: Lease | None = None
        self._lock = threading.Lock()
        self.is_at_end = rest is None

    @property
    def is_whole(self) -> bool:
        """`first` is all there is; nothing is left open."""
        return self._rest is None

    def next(self) -> bytes | None:
        """The next block behind `first`, or `None` at the end."""
        with self._lock:
            block = None if self._rest is None else next(self._rest, None)
            self.is_at_end = block is None
            return block

    def hold(self, lease: Lease) -> Answer:
        """Keep what the rest is read from until `close`."""
        if self.is_whole:
            lease.release()
        else:
            self._lease = lease
        return self

    def close(self) -> None:
        """End the query if it still runs, and give its handle back; waits for a `next` in another thread."""
        with self._lock:
            lease, self._lease = self._lease, None
            if lease is not None and self._rest is not None:
                self._rest.close()
                lease.release()


def execute(sessions: Sessions, request: Request) -> Answer:
    """Run `request.sql`; errors up to the first block of the result are raised here.

    Raises:
        QueryError: with ClickHouse's code.
    """
    lease = sessions.lease(request)
    try:
        answer = _run(lease, request)
    except BaseException:
        lease.release()
        raise
    return answer.hold(lease)


def _run(lease: Lease, request: Request) -> Answer:
    if request.user == READER:
        reader.check_length(request.sql)
    insert = split_insert(request.sql)
    word = first_word(request.sql)
    _check(lease.handle, insert.statement if insert else request.sql, request)
    settings = reader.admit_settings(request.settings) if request.user == READER else request.settings
    lease.prepare(request, settings, word)
    if request.user == READER:
        reader.admit(lease.handle, request)
    if insert is not None:
        return Answer(b"", "", lease.handle.insert(insert))
    _add_external(lease.handle, request)
    answer = _query(lease.handle, request)
    lease.ran(word)
    return answer


def _check(handle: Handle, sql: bytes, request: Request) -> None:
    """What a server refuses over HTTP, and chDB would do."""
    if len(sql) > MAX_STATEMENT_BYTES:
        raise too_long()
    kind, count = handle.classify(sql)
    if count == 0:
        handle.parse(sql)
        raise query_error(SYNTAX_ERROR, "Syntax error: no statement was found")
    if count > 1:
        raise query_error(SYNTAX_ERROR, "Multi-statements are not allowed")
    if touches_files(sql):
        raise query_error(
            INTO_OUTFILE_NOT_ALLOWED,
            "INTO OUTFILE and FROM INFILE are not allowed over HTTP; send and save data over the connection",
        )
    if request.read_only and kind != "READ_ONLY":
        raise query_error(
            READONLY,
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly",
        )
    if first_word(sql) == b"INSERT" and calls(sql, b"INPUT"):
        raise query_error(
            NOT_IMPLEMENTED,
            "INSERT … SELECT … FROM input() is not served; insert the rows and select from them",
        )


def _add_external(handle: Handle, request: Request) -> None:
    for table in request.external:
        name, structure = quote_name(table.name), table.structure.encode("utf-8", "surrogateescape")
        if not fits_brackets(structure):
            raise query_error(BAD_ARGUMENTS, f"The structure of the external table {table.name} is not valid")
        handle.query(b"CREATE OR REPLACE TEMPORARY TABLE " + name + b" (" + structure + b")", "Null")
        handle.insert(Insert(b"INSERT INTO " + name, b"", table.format, table.data))


def _query(handle: Handle, request: Request) -> Answer:
    sql, format = request.sql, output_format(request.sql) or request.default_format or "TabSeparated"
    if request.wait_end or format not in _STREAMED or first_word(sql) not in (b"SELECT", b"WITH"):
        body, summary = handle.query(sql, format)
        if _is_revised(request, format):
            body = native.revised(body)
        return Answer(body, format if body or returns_rows(sql) else "", summary)
    blocks = handle.stream(sql, format)
    if _is_revised(request, format):
        blocks = native.revised_blocks(blocks)
    return Answer(next(blocks, b""), format, Summary(), blocks)


def _is_revised(request: Request, format: str) -> bool:
    return format == "Native" and request.protocol_version >= native.REVISION
