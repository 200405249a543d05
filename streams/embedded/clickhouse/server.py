"""ClickHouse's HTTP interface over chDB, as one aiohttp application."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys

from aiohttp import ClientConnectionResetError, web

from streams.embedded.clickhouse.compression import BLOCKS, Packer, choose_encoding, pack, packer
from streams.embedded.clickhouse.engine import Engine
from streams.embedded.clickhouse.errors import UNKNOWN_EXCEPTION, QueryError
from streams.embedded.clickhouse.execution import Answer, execute
from streams.embedded.clickhouse.incoming import BODY_LIMIT_BYTES, read_request
from streams.embedded.clickhouse.request import Request
from streams.embedded.clickhouse.sessions import Sessions
from streams.embedded.clickhouse.threads import Threads

TIMEZONE = "UTC"
# Less than this is packed quicker than another thread takes over.
_INLINE_BYTES = 64 << 10
_KILL_INTERVAL_SECONDS = 0.2
_CONTENT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "ArrowStream": "application/vnd.apache.arrow.stream",
}


class Front:
    """Serves requests; what the engine does runs in threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions = Sessions(engine)
        self._threads = Threads()
        self._endings: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        for path in ("/ping", "/replicas_status"):
            app.router.add_get(path, self._ok)
        app.router.add_route("*", "/{anything:.*}", self._serve)
        app.on_shutdown.append(self._end_reads)
        app.on_cleanup.append(self._close)
        return app

    async def _end_reads(self, _: web.Application) -> None:
        await self._threads.control(self._engine.kill_reads)

    async def _close(self, _: web.Application) -> None:
        self._threads.close()
        self._sessions.close()

    async def _ok(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n", content_type="text/html")

    async def _serve(self, http: web.Request) -> web.StreamResponse:
        if http.method in ("GET", "HEAD") and not http.query_string:
            return await self._ok(http)
        try:
            request = await read_request(http, self._threads)
            answer = await self._execute(request)
            encoding = _encoding(request, http.headers.get("Accept-Encoding", ""))
            if answer.is_whole:
                return await self._whole(request, answer, encoding)
            return await self._stream(http, request, answer, encoding)
        except QueryError as error:
            return _failure(error)
        except web.HTTPException:
            raise
        except Exception as error:
            return _failure(_unexpected(error))

    async def _execute(self, request: Request) -> Answer:
        """Run in a thread; when the client leaves meanwhile, end what only reads and clean up behind it."""
        job = self._threads.submit(execute, self._sessions, request)
        waiting = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            job.cancel()
            ending = asyncio.create_task(self._end(waiting, request.tag))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            raise

    async def _end(self, waiting: asyncio.Future[Answer], tag: str) -> None:
        """End a query that nobody waits for; again and again, because it may not even have begun."""
        while not waiting.done():
            await self._threads.control(self._engine.kill_reads, tag)
            await asyncio.wait([waiting], timeout=_KILL_INTERVAL_SECONDS)
        # Retrieved, as asyncio would print it otherwise, and it may hold personal data.
        if not waiting.cancelled() and waiting.exception() is None:
            await self._threads.run(waiting.result().close)

    async def _whole(self, request: Request, answer: Answer, encoding: str) -> web.Response:
        body = answer.first
        if not body:
            encoding = ""
        elif encoding and len(body) > _INLINE_BYTES:
            body = await self._threads.run(pack, body, encoding)
        else:
            body = pack(body, encoding)
        return web.Response(body=body, headers=_headers(request, answer, encoding))

    async def _stream(
        self, http: web.Request, request: Request, answer: Answer, encoding: str
    ) -> web.StreamResponse:
        tag = secrets.token_hex(8)
        headers = {**_headers(request, answer, encoding), "X-ClickHouse-Exception-Tag": tag}
        response = web.StreamResponse(headers=headers)
        packing = packer(encoding)
        packed: bytes | None = packing.add(answer.first)
        try:
            await response.prepare(http)
            while packed is not None:
                if packed:  # an empty chunk would end the response
                    await response.write(packed)
                packed = await self._threads.run(_next, answer, packing, tag)
            await response.write_eof(packing.finish())
        except ClientConnectionResetError:
            pass
        finally:
            # The client may have left, and a thread may still be working on the next block.
            if not answer.is_at_end:
                await self._threads.control(self._engine.kill_reads, request.tag)
            await asyncio.shield(self._threads.run(answer.close))
        return response


def _next(answer: Answer, packing: Packer, tag: str) -> bytes | None:
    """The next packed bytes, `None` at the end. An error behind the headers is written as ClickHouse does."""
    try:
        block = answer.next()
    except QueryError as error:
        text, mark = str(error).encode("utf-8", "surrogateescape"), tag.encode()
        block = b"__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n" % (mark, text, len(text) + 1, mark)
    return None if block is None else packing.add(block)


def _encoding(request: Request, accept_encoding: str) -> str:
    """How the response is packed. In blocks it is packed already."""
    if request.in_blocks:
        return BLOCKS
    return choose_encoding(accept_encoding) if request.compress else ""


def _headers(request: Request, answer: Answer, encoding: str) -> dict[str, str]:
    headers = {
        "X-ClickHouse-Query-Id": request.query_id,
        "X-ClickHouse-Timezone": TIMEZONE,
        "X-ClickHouse-Summary": json.dumps(answer.summary.to_header()),
        "Content-Type": _CONTENT_TYPES.get(answer.format, "application/octet-stream"),
    }
    optional = {
        "X-ClickHouse-Format": answer.format,
        "Content-Encoding": "" if encoding == BLOCKS else encoding,
    }
    return {**headers, **{name: value for name, value in optional.items() if value}}


def _failure(error: QueryError) -> web.Response:
    headers = {"X-ClickHouse-Exception-Code": str(error.code), "X-ClickHouse-Timezone": TIMEZONE}
    body = f"{error}\n".encode("utf-8", "surrogateescape")
    return web.Response(
        status=error.status, body=body, content_type="text/plain", charset="utf-8", headers=headers
    )


def _unexpected(error: Exception) -> QueryError:
    """A defect of the front. Its kind is logged, not its text: that may hold personal data."""
    print(f"internal error: {type(error).__name__}", file=sys.stderr)
    return QueryError(
        UNKNOWN_EXCEPTION, f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {type(error).__name__} in the front."
    )
