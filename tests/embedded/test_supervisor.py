"""Supervision of children, with small Python programs in place of servers. Time is an argument of `tick`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.child import Backoff, Child
from streams.embedded.supervisor import StopRequested, Supervisor
from streams.errors import MachineError

SERVE = "import signal; open(MARK, 'w').close(); signal.pause()"
SERVE_UNTIL_KILLED = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SERVE}"
NEVER_SERVE = "import signal; signal.pause()"
FAIL = "import sys; print('no such luck', flush=True); sys.exit(3)"
TELL_WHEN_STOPPED = (
    "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: (open(LOG, 'a').write(NAME), sys.exit(0)));"
    + SERVE
)


class Watched:
    """A supervisor, what it said, and the pids it published."""

    def __init__(self, directory: Path, **options: float) -> None:
        self.directory = directory
        self.lines: list[str] = []
        self.published: list[dict[str, int]] = []
        self.supervisor = Supervisor(
            directory / "logs",
            on_change=self.published.append,
            say=self.lines.append,
            backoff=Backoff(first_seconds=1, longest_seconds=8, steady_seconds=60),
            **options,
        )

    def child(self, name: str, program: str, *, start_timeout_seconds: float = 60) -> Child:
        mark = self.directory / f"{name}.mark"
        names = f"MARK = {str(mark)!r}; NAME = {name!r}; LOG = {str(self.directory / 'stopped')!r}; "
        return Child(
            name,
            [sys.executable, "-c", names + program],
            answers=mark.exists,
            before_start=lambda: mark.unlink(missing_ok=True),
            start_timeout_seconds=start_timeout_seconds,
        )

    def started_at(self, name: str) -> float:
        return next(one.started_at for one in self.supervisor._running if one.child.name == name)

    def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is dead without taking its status away from the supervisor."""
        pid = self.supervisor.pids[name]
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    with watched.supervisor:
        yield watched


def test_start_returns_when_every_child_serves(watched: Watched) -> None:
    first, second = watched.child("first", SERVE), watched.child("second", SERVE)

    watched.supervisor.start(first, second)

    assert first.answers()
    assert second.answers()
    assert list(watched.supervisor.pids) == ["first", "second"]


def test_a_child_that_ends_while_it_starts_is_an_error_with_its_last_line(watched: Watched) -> None:
    with pytest.raises(MachineError, match=r"broken ended with status 3 .*no such luck.*broken\.log"):
        watched.supervisor.start(watched.child("broken", FAIL))


def test_a_child_that_does_not_serve_in_time_is_an_error_that_names_its_log(watched: Watched) -> None:
    with pytest.raises(MachineError, match=r"mute does not serve after 0 s: see .*mute\.log"):
        watched.supervisor.start(watched.child("mute", NEVER_SERVE, start_timeout_seconds=0))


def test_a_stop_that_is_asked_for_while_children_start_is_obeyed(watched: Watched) -> None:
    watched.supervisor.request_stop()

    with pytest.raises(StopRequested):
        watched.supervisor.start(watched.child("mute", NEVER_SERVE))


def test_a_dead_child_is_started_again_after_its_pause_and_that_is_said(watched: Watched) -> None:
    watched.supervisor.start(watched.child("server", SERVE))
    first_pid = watched.supervisor.pids["server"]
    now = watched.started_at("server") + 5
    watched.kill("server")

    watched.supervisor.tick(now)
    watched.supervisor.tick(now + 0.9)
    assert watched.supervisor.pids["server"] == first_pid
    assert "server" in watched.lines[0]
    assert "SIGKILL" in watched.lines[0]
    assert "again in 1 s" in watched.lines[0]

    watched.supervisor.tick(now + 1)
    assert watched.supervisor.pids["server"] != first_pid
    assert len(watched.lines) == 1


def test_the_pids_are_published_once_the_restarted_child_serves(watched: Watched) -> None:
    watched.supervisor.start(watched.child("other", SERVE))
    child = watched.child("server", SERVE)
    watched.supervisor.start(child)
    now = watched.started_at("server") + 5
    watched.kill("server")

    watched.supervisor.tick(now)
    watched.supervisor.tick(now + 1)
    while not child.answers():
        pass
    watched.supervisor.tick(now + 2)
    watched.supervisor.tick(now + 3)

    assert watched.published == [watched.supervisor.pids]
    assert "server serves again" in watched.lines[-1]


def test_a_restarted_child_that_does_not_serve_is_published_after_a_while(tmp_path: Path) -> None:
    watched = Watched(tmp_path, publish_after_seconds=10)
    with watched.supervisor:
        once = "import os, sys; os.path.exists(LOG) and signal.pause(); open(LOG, 'w').close();"
        watched.supervisor.start(watched.child("server", f"import signal; {once} {SERVE}"))
        now = watched.started_at("server") + 5
        watched.kill("server")

        watched.supervisor.tick(now)
        watched.supervisor.tick(now + 1)
        watched.supervisor.tick(now + 10.9)
        assert watched.published == []

        watched.supervisor.tick(now + 11)
        watched.supervisor.tick(now + 12)
        assert watched.published == [watched.supervisor.pids]
        assert not any("serves again" in line for line in watched.lines)


def test_each_death_in_a_row_doubles_the_pause(watched: Watched) -> None:
    watched.supervisor.start(watched.child("server", SERVE))
    now = watched.started_at("server")

    for pause_seconds in (1, 2, 4):
        watched.kill("server")
        watched.supervisor.tick(now)
        assert f"again in {pause_seconds} s" in watched.lines[-1]
        now += pause_seconds
        watched.supervisor.tick(now)


def test_a_child_that_ran_steadily_begins_with_the_first_pause_again(watched: Watched) -> None:
    watched.supervisor.start(watched.child("server", SERVE))
    now = watched.started_at("server")
    watched.kill("server")
    watched.supervisor.tick(now)
    watched.supervisor.tick(now + 1)

    watched.kill("server")
    watched.supervisor.tick(now + 62)

    assert "again in 1 s" in watched.lines[-1]


def test_the_pause_has_an_upper_end_however_often_a_child_dies() -> None:
    backoff = Backoff(first_seconds=0.5, longest_seconds=15)

    assert [backoff.pause_seconds(failures) for failures in (1, 2, 3, 6, 10_000)] == [0.5, 1, 2, 15, 15]


def test_children_are_stopped_in_reverse_order(watched: Watched) -> None:
    for name in ("kafka,", "clickhouse,", "worker,"):
        watched.supervisor.start(watched.child(name, TELL_WHEN_STOPPED))

    watched.supervisor.stop()

    assert (watched.directory / "stopped").read_text() == "worker,clickhouse,kafka,"


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    watched = Watched(tmp_path, grace_seconds=0)
    with watched.supervisor:
        watched.supervisor.start(watched.child("stubborn", SERVE_UNTIL_KILLED))
        process = watched.supervisor._running[0].process

    assert process.returncode == -signal.SIGKILL


def test_the_output_of_a_child_is_in_its_log(watched: Watched) -> None:
    watched.supervisor.start(watched.child("server", f"print('hello', flush=True); {SERVE}"))

    assert (watched.directory / "logs" / "server.log").read_text() == "hello\n"


SUPERVISE = """
import sys
from pathlib import Path
from streams.embedded.child import Child
from streams.embedded.supervisor import Supervisor

directory = Path(sys.argv[1])
# The child holds the write end of the pipe for as long as it lives.
program = "import signal, sys; p = open(sys.argv[1], 'w'); print('up', file=p, flush=True); signal.pause()"
child = Child("child", [sys.executable, "-c", program, str(directory / "pipe")], answers=lambda: True)
with Supervisor(directory / "logs", on_change=print, say=print) as supervisor:
    supervisor.stop_on_signals()
    supervisor.start(child)
    supervisor.run()
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGKILL, -9)]
)
def test_no_child_survives_the_supervisor(tmp_path: Path, number: signal.Signals, status: int) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path)]
    with subprocess.Popen(command) as supervisor, (tmp_path / "pipe").open() as pipe:
        assert pipe.readline() == "up\n"
        supervisor.send_signal(number)
        # Ends only when the last holder of the write end is gone.
        assert pipe.read() == ""
    assert supervisor.returncode == status
