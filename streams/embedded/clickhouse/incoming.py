"""From aiohttp's request to `Request`: URL fields, body, form; and which requests are not read at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from streams.embedded.clickhouse.compression import decompress
from streams.embedded.clickhouse.errors import (
    ACCESS_DENIED,
    BAD_ARGUMENTS,
    QUERY_IS_TOO_LARGE,
    QueryError,
    query_error,
)
from streams.embedded.clickhouse.request import Request, parse
from streams.embedded.clickhouse.threads import Threads

BODY_LIMIT_BYTES = 256 << 20
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


async def read_request(http: web.Request, threads: Threads) -> Request:
    """Read all of `http`.

    Raises:
        QueryError: it comes from a web page, is too large, or is not what ClickHouse's interface takes.
    """
    _refuse_other_sites(http)
    url = _fields(http)
    # Not by aiohttp's `content_type`, which some headers bring down.
    if http.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "multipart/form-data":
        form, files = await _form(http)
        return parse(http.method, url, http.headers, b"", form, files)
    packed = await _read(http)
    encoding = http.headers.get("Content-Encoding", "")
    body = await threads.unpack(decompress, packed, encoding, BODY_LIMIT_BYTES) if encoding else packed
    return parse(http.method, url, http.headers, body)


def _refuse_other_sites(http: web.Request) -> None:
    """There are no passwords, so no web page in a browser of this machine may send statements."""
    origin = http.headers.get("Origin", "")
    other_origin = origin and origin.partition("://")[2] != http.host
    cross_site = http.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if other_origin or cross_site or _host(http) not in _LOCAL_HOSTS:
        raise query_error(ACCESS_DENIED, "Web pages, and other host names than localhost, are not served")


def _host(http: web.Request) -> str | None:
    try:
        return http.url.host
    except ValueError:  # what the client sent as Host is none
        return None


def _fields(http: web.Request) -> dict[str, str]:
    """The URL's fields from its raw text; bytes that are no UTF-8 become surrogates."""
    raw = http.raw_path.partition("?")[2]
    return dict(parse_qsl(raw, keep_blank_values=True, errors="surrogateescape"))


async def _form(http: web.Request) -> tuple[dict[str, str], dict[str, bytes]]:
    try:
        return _parts(await http.post())
    except web.HTTPException:
        raise
    except Exception as error:  # of many kinds, depending on which part of the form is broken
        raise query_error(BAD_ARGUMENTS, "The multipart form cannot be read") from error


def _parts(post: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, bytes]]:
    form, files = {}, {}
    for name, value in post.items():
        if isinstance(value, web.FileField):
            files[name] = value.file.read()
        else:
            data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
            form[name] = data.decode("utf-8", "surrogateescape")
    return form, files


async def _read(http: web.Request) -> bytes:
    if (http.content_length or 0) > BODY_LIMIT_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in http.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> QueryError:
    return query_error(QUERY_IS_TOO_LARGE, f"The body is larger than {BODY_LIMIT_BYTES} bytes")
