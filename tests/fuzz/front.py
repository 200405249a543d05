"""The embedded ClickHouse's front without an engine: bytes in, an HTTP answer out.

An input is a request as it goes over the wire, with one difference: without a length or a transfer encoding,
all that follows the head is its body, so that a mutation need not get a length right. What the engine would
be asked is worked out to the end: statement, insert, and for `bi_reader` the checks of text and tree.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from aiohttp.web_exceptions import HTTPException
from aiohttp.web_protocol import RequestPayloadError

from streams.embedded.clickhouse import engine, incoming, reader, server
from streams.embedded.clickhouse.compression import pack
from streams.embedded.clickhouse.engine import Summary, quote_name, quote_text
from streams.embedded.clickhouse.errors import QueryError, from_engine
from streams.embedded.clickhouse.execution import Answer
from streams.embedded.clickhouse.reader_rules import STATEMENTS
from streams.embedded.clickhouse.reader_text import read_text
from streams.embedded.clickhouse.request import READER, Request
from streams.embedded.clickhouse.statement import (
    calls,
    first_word,
    fits_brackets,
    output_format,
    returns_rows,
    split_insert,
    tokens,
    touches_files,
)

# Small, so that a body that unpacks to a lot is seen at once.
LIMIT_BYTES: Final = 1 << 20
_HAS_LENGTH: Final = re.compile(
    rb"^(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
_T = TypeVar("_T")


def fuzz_front_request(data: bytes) -> None:
    """Every request is answered: as parsed, or with an error of ClickHouse or HTTP, never by a defect."""
    try:
        with _strict_front():
            response = run(_answer(data))
    except (HttpProcessingError, HTTPException, ClientError, RequestPayloadError):
        return  # aiohttp answers these with 4xx, or the client is gone before it sent all
    if response is None:
        return
    for name, value in response.headers.items():
        if not f"{name}{value}".isprintable():
            raise AssertionError(f"the header {name} could end early")
    if isinstance(response, web.Response) and response.status >= 400:
        assert isinstance(response.body, bytes)
        assert response.body.startswith(b"Code: "), response.body[:80]


@contextlib.contextmanager
def _strict_front() -> Iterator[None]:
    """A defect is raised, and not answered with status 500; bodies may be as large as here."""
    before = incoming.BODY_LIMIT_BYTES, server._unexpected
    incoming.BODY_LIMIT_BYTES, server._unexpected = LIMIT_BYTES, _defect
    try:
        yield
    finally:
        incoming.BODY_LIMIT_BYTES, server._unexpected = before


def run(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run what never has to wait; waiting would mean that it hangs."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    finally:
        coroutine.close()
    raise AssertionError("the front waits for something that does not come")


async def _answer(data: bytes) -> web.StreamResponse | None:
    """What the front says to the first request in `data`; None if there is none."""
    messages = _parse(with_length(data))
    if not messages:
        return None
    message, payload = messages[0]
    request = web.Request(message, payload, _NOBODY, _NOBODY, _NOBODY, _LOOP, client_max_size=LIMIT_BYTES)
    return await _FRONT.serve(request)


def with_length(data: bytes) -> bytes:
    """A request with `Content-Length`, if it had neither that nor a transfer encoding."""
    head, _, body = data.partition(b"\r\n\r\n")
    if _HAS_LENGTH.search(head):
        return data
    return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def _parse(data: bytes) -> list[tuple[Any, Any]]:
    parser = HttpRequestParser(
        _NOBODY,
        _LOOP,
        1 << 16,
        max_line_size=1 << 20,
        max_field_size=128 << 10,
        payload_exception=RequestPayloadError,
        auto_decompress=False,
    )
    messages, _, _ = parser.feed_data(data)
    parser.feed_eof()
    return list(messages)


def work_out(request: Request) -> None:
    """Everything that is derived from a request before and beside the engine."""
    sql = request.sql
    insert = split_insert(sql)
    if insert is not None:
        assert sql.startswith(insert.head + insert.settings)
        assert sql.endswith(insert.data)
        touches_files(insert.statement)
    first_word(sql), output_format(sql), returns_rows(sql), touches_files(sql), calls(sql, b"INPUT")
    _check_tokens(sql)
    for name, value in {**request.settings, **request.parameters()}.items():
        _may_refuse(engine._setting_name, name)
        quote_text(value)
    quote_name(request.database)
    for table in request.external:
        quote_name(table.name), fits_brackets(table.structure.encode("utf-8", "surrogateescape"))
    if request.user == READER:
        _may_refuse(_admit, request)


def _check_tokens(sql: bytes) -> None:
    """Tokens come in order, and nothing but blanks and comments lies between them."""
    end = 0
    for token in tokens(sql):
        assert token.start >= end, "tokens overlap"
        assert token.text == sql[token.start : token.end] != b"", "a token is what the statement says there"
        end = token.end


def _admit(request: Request) -> None:
    reader.check_length(request.sql)
    reader.admit_settings(request.settings)
    if first_word(request.sql) in STATEMENTS:
        text = read_text(request.sql)
        reader._check_identifiers(text, request)
    reader._walked(request, request.sql)


def _may_refuse(check: Callable[[Any], object], value: object) -> None:
    with contextlib.suppress(QueryError):
        check(value)


class _Nobody:
    """Stands for the connection, its writer and its task: takes every call and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return _ignore


def _ignore(*_: object, **__: object) -> None:
    return None


class _Inline:
    """`Threads` without threads."""

    async def unpack(self, work: Callable[..., _T], *args: Any) -> _T:
        unpacked = work(*args)
        assert len(unpacked) <= LIMIT_BYTES, "the limit is kept"  # type: ignore[arg-type]
        return unpacked

    async def run(self, work: Callable[..., _T], *args: Any) -> _T:
        return work(*args)


class _Front(server.Front):
    """The front whose engine answers every statement with an error that quotes it."""

    def __init__(self) -> None:
        self._threads = _Inline()  # type: ignore[assignment]

    async def serve(self, http: web.Request) -> web.StreamResponse:
        return await self._serve(http)

    async def _execute(self, request: Request) -> Answer:
        work_out(request)
        if request.sql[:1] == b"!":
            raise from_engine(
                RuntimeError(f"Code: 62. DB::Exception: {request.sql.decode(errors='replace')}")
            )
        return Answer(pack(b"1\n", ""), "TabSeparated", Summary())


def _defect(error: Exception) -> QueryError:
    raise error


_LOOP: Final = asyncio.new_event_loop()
_LOOP.close()
_NOBODY: Final[Any] = _Nobody()
_FRONT: Final = _Front()
