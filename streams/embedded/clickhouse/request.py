"""One HTTP request as ClickHouse's HTTP interface understands it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.embedded.clickhouse.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    query_error,
)

READER = "bi_reader"
USERS = ("default", READER)
_SESSION_LIMIT_SECONDS = 3600


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names that the HTTP interface consumes itself; everything else in the URL is a setting.
_TRANSPORT = _names(
    "query database user password query_id default_format session_id session_timeout session_check "
    "close_session quota_key compress decompress wait_end_of_query buffer_size client_protocol_version "
    "role stacktrace readonly enable_http_compression send_progress_in_http_headers "
    "http_headers_progress_interval_ms cancel_http_readonly_queries_on_client_close"
)


@dataclass(frozen=True)
class ExternalTable:
    """Data that a client sends along as a table for one query; `structure` is `name Type, …`."""

    name: str
    format: str
    structure: str
    data: bytes


@dataclass(frozen=True)
class Request:
    """`sql` is the whole text: the URL's query, a line feed, the body. `database` is `''` if not named."""

    sql: bytes
    user: str = USERS[0]
    database: str = ""
    query_id: str = ""
    session_id: str = ""
    session_timeout_seconds: int = 60
    session_check: bool = False
    default_format: str = ""
    wait_end: bool = False
    read_only: bool = False
    compress: bool = True
    """Whether the response may be packed as the client's Accept-Encoding says."""
    in_blocks: bool = False
    """Whether the response must consist of ClickHouse's own compressed blocks."""
    protocol_version: int = 0
    """The version of ClickHouse's protocol that the client reads Native in; 0 if it says none."""
    params: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    external: tuple[ExternalTable, ...] = ()
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Marks the running query in `system.processes`; a `query_id` need not be unique."""

    def parameters(self) -> dict[str, str]:
        """Query parameters under the names that `SET` takes."""
        return {f"param_{name}": value for name, value in self.params.items()}


def parse(
    method: str,
    url: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    form: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Request:
    """Put URL, headers, body, and the parts of a multipart form together; the form wins over the URL.

    Raises:
        QueryError: unknown user, or a feature of the interface that this front does not serve.
    """
    fields = {**url, **(form or {})}
    if fields.get("decompress") == "1":
        raise query_error(
            NOT_IMPLEMENTED, "decompress=1 is not served; use HTTP compression (Content-Encoding)"
        )
    user = _user(fields, headers)
    external = tuple(_external(name, data, fields) for name, data in (files or {}).items())
    query = fields.get("query", "").encode("utf-8", "surrogateescape")
    return Request(
        sql=query + b"\n" + body if query and body else query or body,
        user=user,
        database=fields.get("database") or headers.get("X-ClickHouse-Database") or "",
        query_id=_query_id(fields.get("query_id", "")),
        # The reader can set nothing that a session would keep.
        session_id="" if user == READER else fields.get("session_id", ""),
        session_timeout_seconds=_session_timeout(fields.get("session_timeout", "60")),
        session_check=fields.get("session_check") == "1",
        default_format=fields.get("default_format") or headers.get("X-ClickHouse-Format") or "",
        wait_end=fields.get("wait_end_of_query") == "1",
        read_only=method in ("GET", "HEAD") or fields.get("readonly", "0") != "0",
        compress=fields.get("enable_http_compression", "1") != "0",
        in_blocks=fields.get("compress") == "1",
        protocol_version=_protocol_version(fields.get("client_protocol_version", "0")),
        params={name[6:]: value for name, value in fields.items() if name.startswith("param_")},
        settings=_settings(fields, external),
        external=external,
    )


def _settings(fields: Mapping[str, str], external: tuple[ExternalTable, ...]) -> dict[str, str]:
    about_tables = {f"{table.name}_{part}" for table in external for part in ("format", "structure", "types")}
    return {
        name: value
        for name, value in fields.items()
        if name not in _TRANSPORT and name not in about_tables and not name.startswith("param_")
    }


def _external(name: str, data: bytes, fields: Mapping[str, str]) -> ExternalTable:
    types = [kind.strip() for kind in fields.get(f"{name}_types", "").split(",")]
    structure = fields.get(f"{name}_structure") or ", ".join(
        f"_{i} {kind}" for i, kind in enumerate(types, 1)
    )
    if not types[0] and not fields.get(f"{name}_structure"):
        raise query_error(
            BAD_ARGUMENTS, f"Neither structure nor types have been provided for the external table {name}"
        )
    return ExternalTable(name, fields.get(f"{name}_format", "TabSeparated"), structure, data)


def _query_id(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise query_error(BAD_ARGUMENTS, "query_id must be printable ASCII, it is sent back in a header")
    return text or str(uuid.uuid4())


def _session_timeout(text: str) -> int:
    return _number(text, "session_timeout", 1, _SESSION_LIMIT_SECONDS)


def _protocol_version(text: str) -> int:
    return _number(text, "client_protocol_version", 0, 999_999_999)


def _number(text: str, name: str, least: int, most: int) -> int:
    # Python reads digits of any script, and no more than 4300 of them.
    is_number = text.isascii() and text.isdecimal() and len(text) <= 9
    if not is_number or not least <= int(text) <= most:
        raise query_error(BAD_ARGUMENTS, f"{name} must be {least} to {most}, not {text!r}")
    return int(text)


def _user(fields: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Both users have no password; one that is sent is not looked at (ClickHouse: `no_password`)."""
    user = (
        fields.get("user")
        or headers.get("X-ClickHouse-User")
        or _basic(headers.get("Authorization", ""))
        or USERS[0]
    )
    if user not in USERS:
        raise query_error(
            AUTHENTICATION_FAILED,
            f"{user}: Authentication failed: there is no such user, use {' or '.join(USERS)}",
        )
    return user


def _basic(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if not authorization:
        return ""
    if scheme.lower() != "basic":
        raise query_error(AUTHENTICATION_FAILED, "Only Basic authorization is served")
    try:
        return base64.b64decode(token, validate=True).decode().partition(":")[0]
    except ValueError:
        raise query_error(AUTHENTICATION_FAILED, "The Authorization header is not valid") from None
