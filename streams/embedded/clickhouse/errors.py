"""ClickHouse errors as values: code, symbolic name, text, and the HTTP status a server gives them."""

from __future__ import annotations

import re

_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NAME_AT_END = re.compile(r"\. \([A-Z_0-9]+\)$")
_SCOPE = ": In scope SELECT formatQuery("
# Lengths are bounded, as a message quotes what clients wrote: else these would take the square of its length.
_VERSION = r"\(version [^()]{0,80}(?:\([^()]{0,80}\)[^()]{0,80})?\)"
_NOISE = (
    re.compile(rf"\.? \([A-Z_0-9]{{1,80}}\) {_VERSION}(?={_NAME_AT_END.pattern})"),
    re.compile(r": \(in file/uri [^)]{0,200}\)"),
    re.compile(r": While executing File: data for INSERT was parsed from file"),
    re.compile(rf"{_VERSION}\s*$"),
)

# ClickHouse: src/Server/HTTP/exceptionCodeToHTTPStatus.cpp
_HTTP_STATUS = {
    **dict.fromkeys((194,), 401),
    **dict.fromkeys((192, 193, 497, 516, 524), 403),
    **dict.fromkeys(
        (6, 26, 27, 36, 38, 41, 43, 53, 62, 69, 72, 117, 167, 168, 223, 321, 427, 441, 456, 457), 400
    ),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, 115, 61, 78, 139), 404),
    159: 408,
    106: 413,
    48: 501,
    **dict.fromkeys((209, 439), 503),
}

ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
CANNOT_DECOMPRESS = 271
INTO_OUTFILE_NOT_ALLOWED = 158
NOT_IMPLEMENTED = 48
QUERY_IS_TOO_LARGE = 106
READONLY = 164
SESSION_IS_LOCKED = 373
SESSION_NOT_FOUND = 372
SYNTAX_ERROR = 62
UNKNOWN_EXCEPTION = 1002

_NAMES = {
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    INTO_OUTFILE_NOT_ALLOWED: "INTO_OUTFILE_NOT_ALLOWED",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    READONLY: "READONLY",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SYNTAX_ERROR: "SYNTAX_ERROR",
}


class QueryError(Exception):
    """An error for the client: `str()` is the body, `Code: N. DB::Exception: … (NAME)`."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.status = _HTTP_STATUS.get(code, 500)
        super().__init__(text)


def query_error(code: int, message: str) -> QueryError:
    """An error that the front itself raises, worded as ClickHouse words its own."""
    return QueryError(code, f"Code: {code}. DB::Exception: {message}. ({_NAMES[code]})")


def from_engine(error: Exception) -> QueryError:
    """Read the code out of what chDB raised, and drop what it and `Handle` put around the message."""
    text = _text_of(error)
    found = _CODE.search(text)
    if found is None:
        return QueryError(
            UNKNOWN_EXCEPTION, f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {text} (UNKNOWN_EXCEPTION)"
        )
    text = _without_scope(found.group() + _CODE.sub("", text[found.start() :]))
    for noise in _NOISE:
        text = noise.sub("", text)
    return QueryError(int(found.group(1)), text.rstrip())


def _text_of(error: Exception) -> str:
    """The engine's text; where it quotes bytes that are no UTF-8, its Python client raises that instead."""
    for raised in (error, error.__cause__, error.__context__):
        if isinstance(raised, UnicodeDecodeError):
            return raised.object.decode("utf-8", "surrogateescape")
    return str(error)


def _without_scope(text: str) -> str:
    """Without the statement by which `Handle.parse` asked for the syntax error."""
    head, _, scope = text.partition(_SCOPE)
    name = _NAME_AT_END.search(scope)
    return head + name.group() if name else text
