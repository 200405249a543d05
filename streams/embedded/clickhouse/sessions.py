"""On which handle a request runs: a fresh one, or the one that its `session_id` names."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping

from streams.embedded.clickhouse.engine import Engine, Handle, quote_text, tag_query
from streams.embedded.clickhouse.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, query_error
from streams.embedded.clickhouse.request import Request

_DEFAULT_DATABASE = "default"


class Lease:
    """A fresh handle for one request; what was set on it goes with it."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle

    def prepare(self, request: Request, settings: Mapping[str, str], word: bytes) -> None:
        """Make the database, settings and parameters of `request` hold; `word` is its first keyword."""
        if request.database not in ("", _DEFAULT_DATABASE):
            self.handle.use(request.database)
        self.handle.apply({**tag_query(request.tag), **settings, **request.parameters()})

    def ran(self, word: bytes) -> None:
        """Told after a statement succeeded, with its first keyword."""

    def release(self) -> None:
        self.handle.close()


class Session(Lease):
    """A kept handle. What `SET`, `USE` and temporary tables did stays; what a URL sets holds for one request.

    URL settings are left in place while the next request brings the same ones, which is what clients do.
    """

    def __init__(self, handle: Handle, clock_seconds: Callable[[], float]) -> None:
        super().__init__(handle)
        self._clock_seconds = clock_seconds
        self.lock = threading.Lock()
        self.timeout_seconds = 0
        self.expires_at_seconds = 0.0
        self._own_database = self._used_database = _DEFAULT_DATABASE
        self._applied: dict[str, str] = {}
        self._before: dict[str, bytes] = {}

    def prepare(self, request: Request, settings: Mapping[str, str], word: bytes) -> None:
        database = request.database or self._own_database
        if database != self._used_database:
            self.handle.use(database)
            self._used_database = database
        # A SET statement must meet the session's own values, not those of the URL.
        self._apply({} if word == b"SET" else dict(settings))
        tag = {} if "log_comment" in settings else tag_query(request.tag)
        self.handle.apply({**tag, **request.parameters()})

    def ran(self, word: bytes) -> None:
        if word == b"USE":
            name, _ = self.handle.query(b"SELECT currentDatabase()", "TabSeparatedRaw")
            self._own_database = self._used_database = name.decode().rstrip("\n")

    def release(self) -> None:
        self.expires_at_seconds = self._clock_seconds() + self.timeout_seconds
        self.lock.release()

    def _apply(self, settings: dict[str, str]) -> None:
        if settings == self._applied:
            return
        if self._before:
            pairs = [name.encode() + b" = " + value for name, value in self._before.items()]
            self.handle.query(b"SET " + b", ".join(pairs), "Null")
            self._applied, self._before = {}, {}
        if settings:
            self._before = self._values_of(settings)
            self.handle.apply(settings)
            self._applied = settings

    def _values_of(self, settings: Mapping[str, str]) -> dict[str, bytes]:
        """What to write behind `SET name =` to have the present value back."""
        names = b", ".join(quote_text(name) for name in settings)
        sql = b"SELECT name, value FROM system.settings WHERE changed AND name IN (" + names + b")"
        rows, _ = self.handle.query(sql, "JSONCompactEachRow")
        changed = dict(json.loads(line) for line in rows.splitlines())
        return {name: quote_text(changed[name]) if name in changed else b"DEFAULT" for name in settings}


class Sessions:
    """All sessions by id. One that was idle for its time is closed when another request comes."""

    def __init__(self, engine: Engine, clock_seconds: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock_seconds = clock_seconds
        self._guard = threading.Lock()
        self._open: dict[str, Session] = {}

    def lease(self, request: Request) -> Lease:
        """The handle for `request`; the caller releases it.

        Raises:
            QueryError: the session serves another request (373), or is checked for and missing (372).
        """
        if not request.session_id:
            return Lease(self._engine.open())
        with self._guard:
            self._expire()
            session = self._find(request)
            if not session.lock.acquire(blocking=False):
                raise query_error(
                    SESSION_IS_LOCKED, f"Session {request.session_id} is locked by a concurrent client"
                )
            session.timeout_seconds = request.session_timeout_seconds
            return session

    def close(self) -> None:
        for session in self._open.values():
            session.handle.close()
        self._open.clear()

    def _find(self, request: Request) -> Session:
        session = self._open.get(request.session_id)
        if session is None:
            if request.session_check:
                raise query_error(SESSION_NOT_FOUND, f"Session {request.session_id} not found")
            session = self._open[request.session_id] = Session(self._engine.open(), self._clock_seconds)
        return session

    def _expire(self) -> None:
        now = self._clock_seconds()
        for name, session in list(self._open.items()):
            if session.expires_at_seconds < now and session.lock.acquire(blocking=False):
                del self._open[name]
                session.handle.close()
