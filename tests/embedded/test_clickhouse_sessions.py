"""How long a session lives, and that it serves one request at a time."""

from __future__ import annotations

from typing import Any, cast

import pytest

from streams.embedded.clickhouse.engine import Engine
from streams.embedded.clickhouse.errors import QueryError
from streams.embedded.clickhouse.request import Request
from streams.embedded.clickhouse.sessions import Sessions


class Handles:
    """Stands for the engine: hands out numbered handles and notes which are closed."""

    def __init__(self) -> None:
        self.opened = 0
        self.closed: list[int] = []

    def open(self) -> Any:
        self.opened += 1
        number, closed = self.opened, self.closed

        class Handle:
            def close(self) -> None:
                closed.append(number)

        return Handle()


class Clock:
    now_seconds = 0.0

    def __call__(self) -> float:
        return self.now_seconds


@pytest.fixture
def handles() -> Handles:
    return Handles()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(handles: Handles, clock: Clock) -> Sessions:
    return Sessions(cast(Engine, handles), clock)


def test_without_a_session_every_request_has_a_handle_of_its_own(
    sessions: Sessions, handles: Handles
) -> None:
    for _ in range(2):
        sessions.lease(Request(b"")).release()
    assert (handles.opened, handles.closed) == (2, [1, 2])


def test_a_session_keeps_its_handle_until_it_was_idle_for_its_time(
    sessions: Sessions, handles: Handles, clock: Clock
) -> None:
    request = Request(b"", session_id="s", session_timeout_seconds=60)
    for clock.now_seconds in (0, 59, 118):
        sessions.lease(request).release()
    assert (handles.opened, handles.closed) == (1, [])
    clock.now_seconds = 179
    sessions.lease(request).release()
    assert (handles.opened, handles.closed) == (2, [1])


def test_a_session_in_use_neither_expires_nor_serves_another_request(
    sessions: Sessions, handles: Handles, clock: Clock
) -> None:
    request = Request(b"", session_id="s", session_timeout_seconds=1)
    lease = sessions.lease(request)
    clock.now_seconds = 3600
    with pytest.raises(QueryError) as error:
        sessions.lease(request)
    assert error.value.code == 373
    lease.release()
    sessions.lease(request).release()
    assert (handles.opened, handles.closed) == (1, [])


def test_a_session_that_must_exist_is_not_made(sessions: Sessions, handles: Handles) -> None:
    with pytest.raises(QueryError) as error:
        sessions.lease(Request(b"", session_id="s", session_check=True))
    assert (error.value.code, handles.opened) == (372, 0)


def test_closing_closes_all_sessions(sessions: Sessions, handles: Handles) -> None:
    for name in ("a", "b"):
        sessions.lease(Request(b"", session_id=name)).release()
    sessions.close()
    assert sorted(handles.closed) == [1, 2]
