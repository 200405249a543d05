"""chDB behind short-lived handles: one engine per process and path, one handle per request.

Opening a handle costs about 0.1 ms. `USE`, `SET`, parameters and temporary tables belong to the handle, so
requests are isolated from each other as a server's are, and chDB runs handles of different threads at the
same time, inserts included (the contract suite holds it to that). One handle serves one thread at a time.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from streams.embedded.clickhouse.errors import BAD_ARGUMENTS, from_engine, query_error
from streams.embedded.clickhouse.statement import MAX_STATEMENT_BYTES, Insert
from streams.errors import MachineError

# Sized for 2 cores that Kafka and the worker share. chDB turns the last two on, a server does not.
_OPTIONS = {
    "max_server_memory_usage": 4 << 30,
    "max_thread_pool_size": 256,
    "mark_cache_size": 64 << 20,
    "primary_index_cache_size": 64 << 20,
    "index_mark_cache_size": 16 << 20,
    "query_condition_cache_size": 16 << 20,
    "background_pool_size": 2,
    "background_schedule_pool_size": 2,
    # A server takes query parameters of any size from the URL or form; here they are part of a SET statement.
    "max_query_size": MAX_STATEMENT_BYTES,
    "implicit_select": 0,
    "allow_introspection_functions": 0,
}
_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class Summary:
    """What `X-ClickHouse-Summary` reports. `written_rows` includes rows that materialized views wrote.

    Of a query, chDB counts as read what its result holds.
    """

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    elapsed_seconds: float = 0.0

    def as_written(self) -> Summary:
        """Of an insert: what it read was its own data."""
        return replace(self, read_rows=0, read_bytes=0)

    def to_header(self) -> dict[str, str]:
        return {
            "read_rows": str(self.read_rows),
            "read_bytes": str(self.read_bytes),
            "written_rows": str(self.written_rows),
            "written_bytes": str(self.written_bytes),
            # Drivers from before 0.9 take a result without it for an empty one.
            "result_rows": str(self.read_rows),
            "result_bytes": str(self.read_bytes),
            "elapsed_ns": str(int(self.elapsed_seconds * 1e9)),
        }


class Handle:
    """One connection to the engine; every method raises `QueryError` with ClickHouse's own code."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def use(self, database: str) -> None:
        self.query(b"USE " + quote_name(database), "Null")

    def apply(self, settings: Mapping[str, str]) -> None:
        """Settings, and query parameters as `param_name`, for all that this handle runs from now on."""
        if settings:
            pairs = [
                _setting_name(name).encode() + b" = " + quote_text(value) for name, value in settings.items()
            ]
            self.query(b"SET " + b", ".join(pairs), "Null")

    def query(self, sql: bytes, format: str) -> tuple[bytes, Summary]:
        """Run one statement to its end; a FORMAT clause in it wins over `format`."""
        try:
            result = self._connection.query(sql, format)
        except Exception as error:
            raise from_engine(error) from error
        read, written = (
            (result.rows_read(), result.bytes_read()),
            (result.rows_written(), result.bytes_written()),
        )
        return result.bytes() or b"", Summary(*read, *written, elapsed_seconds=result.elapsed())

    def stream(self, sql: bytes, format: str) -> Generator[bytes]:
        """Blocks of the result, each one complete in `format`; closing the iterator ends the query."""
        try:
            with self._connection.send_query(sql, format) as blocks:
                for block in blocks:
                    if data := block.bytes():
                        yield data
        except Exception as error:
            raise from_engine(error) from error

    def insert(self, insert: Insert) -> Summary:
        """Write the rows of `insert`, or raise.

        By way of a file in memory, because chDB's `send_insert` reports success when the table refuses the
        rows (a constraint, too many partitions, a failing materialized view).
        """
        if _SAFE_NAME.fullmatch(insert.format) is None:
            raise query_error(BAD_ARGUMENTS, f"{insert.format!r} is not the name of a format")
        with _file_of(insert.data) as path:
            clauses = b" FROM INFILE " + quote_text(path) + b" " + insert.settings + b" FORMAT "
            return self.query(insert.head + clauses + insert.format.encode(), "Null")[1].as_written()

    def classify(self, sql: bytes) -> tuple[str, int]:
        """The class (READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL, UNKNOWN) and the number of statements."""
        try:
            found = self._connection._conn.classify_query(sql)
        except Exception as error:
            raise from_engine(error) from error
        return found["query_class"].name, found["statement_count"]

    def parse(self, sql: bytes) -> None:
        """Raise the syntax error in `sql`, if it has one, without running anything."""
        self.query(b"SELECT formatQuery(" + quote_text(sql) + b")", "Null")

    def close(self) -> None:
        self._connection.close()


class Engine:
    """The one chDB engine of this process.

    Raises:
        MachineError: chDB is missing, too old, or cannot open the path.
    """

    def __init__(self, path: Path) -> None:
        try:
            import chdb
        except ImportError as error:
            raise MachineError(
                f"chDB is not installed ({error}); pip install 'engagement-streams[embedded]'."
            ) from error
        self._connect: Callable[[str], Any] = chdb.connect
        self._target = f"{path}?" + "&".join(f"{name}={value}" for name, value in _OPTIONS.items())
        try:
            # Held for as long as the process lives: chDB stops its engine with the last handle.
            self._keeper = self.open()
            self._keeper.classify(b"SELECT 1")
        except Exception as error:
            raise MachineError(f"chDB cannot open the database in {path}: {str(error).strip()}") from error

    def open(self) -> Handle:
        return Handle(self._connect(self._target))

    def kill_reads(self, tag: str = "") -> None:
        """Ask SELECTs to end: all, or the one that `tag_query` marked. Inserts are near their end anyway."""
        tagged = b" AND Settings['log_comment'] = " + quote_text(tag) if tag else b""
        handle = self.open()
        try:
            handle.query(b"KILL QUERY WHERE query_kind = 'Select'" + tagged + b" ASYNC", "Null")
        finally:
            handle.close()

    def close(self) -> None:
        self._keeper.close()


@contextmanager
def _file_of(data: bytes) -> Iterator[str]:
    """A path from which chDB, in this process, reads `data`; in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("insert"), "wb", buffering=0) as file:
            _write(file, data)
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(buffering=0) as file:
            _write(file, data)
            yield file.name


def _write(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def tag_query(tag: str) -> dict[str, str]:
    """The setting by which `Engine.kill_reads` finds a query: chDB lets no one choose its query ids."""
    return {"log_comment": tag}


def quote_name(name: str) -> bytes:
    return b"`" + _bytes(name).replace(b"\\", b"\\\\").replace(b"`", b"\\`") + b"`"


def quote_text(text: str | bytes) -> bytes:
    return (
        b"'"
        + (text if isinstance(text, bytes) else _bytes(text)).replace(b"\\", b"\\\\").replace(b"'", b"\\'")
        + b"'"
    )


def _bytes(text: str) -> bytes:
    """URL fields are decoded with `surrogateescape`, so that bytes that are no UTF-8 come through."""
    return text.encode("utf-8", "surrogateescape")


def _setting_name(name: str) -> str:
    if _SAFE_NAME.fullmatch(name) is None:
        raise query_error(BAD_ARGUMENTS, f"{name!r} is not the name of a setting")
    return name
