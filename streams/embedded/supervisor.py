"""Keeps children running: started in order, restarted when they die, stopped in reverse order."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from streams.embedded.child import Backoff, Child
from streams.embedded.child_process import spawn, terminate
from streams.errors import MachineError

_POLL_SECONDS = 0.1
_TAIL_BYTES = 4096


class StopRequested(Exception):
    """A signal asked to stop while children were still being started."""


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    started_at: float
    serves: bool = False
    published: bool = False
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts children and looks after them, in the main thread; leaving the `with` block stops them all.

    Args:
        log_dir: a child's output goes to `<log_dir>/<name>.log`.
        on_change: called with the pid of each child when a restarted one serves again.
        say: takes one line for people.
        grace_seconds: a child that has not ended so long after SIGTERM is killed.
        publish_after_seconds: a restarted child that does not serve after so long is published all the same:
            whoever wants to signal it should find its pid.
    """

    def __init__(
        self,
        log_dir: Path,
        *,
        on_change: Callable[[dict[str, int]], None],
        say: Callable[[str], None],
        backoff: Backoff | None = None,
        grace_seconds: float = 10.0,
        publish_after_seconds: float = 10.0,
    ) -> None:
        self._log_dir = log_dir
        self._on_change = on_change
        self._say = say
        self._backoff = backoff or Backoff()
        self._grace_seconds = grace_seconds
        self._publish_after_seconds = publish_after_seconds
        self._running: list[_Running] = []
        self._stop_requested = False

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        return {running.child.name: running.process.pid for running in self._running}

    def stop_on_signals(self) -> None:
        """Let Ctrl-C, SIGTERM and a closed terminal stop the children in order."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` has the hang-up ignored; keep it so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def request_stop(self) -> None:
        """Make `run` return, and `start` and `check` raise; safe in a signal handler and from any thread."""
        self._stop_requested = True

    def check(self) -> None:
        """Raise StopRequested if a signal has asked to stop; for between the steps of a start."""
        if self._stop_requested:
            raise StopRequested

    def start(self, *children: Child) -> None:
        """Start the children side by side and wait until all of them serve.

        Raises:
            MachineError: one ended, or did not serve in time; the line names its log.
            StopRequested: a signal came first.
        """
        fresh = [self._spawn(child) for child in children]
        for running in fresh:
            self._await(running)

    def run(self) -> None:
        """Look after the children until a stop is requested."""
        while not self._stop_requested:
            self.tick(time.monotonic())
            time.sleep(_POLL_SECONDS)

    def tick(self, now: float) -> None:
        """One round at `now` (monotonic seconds): notice the dead, restart those whose pause is over."""
        for running in self._running:
            if running.restart_at is not None:
                if now >= running.restart_at:
                    self._restart(running, now)
            elif running.process.poll() is not None:
                self._bury(running, now)
            elif not running.serves:
                self._look(running, now)

    def stop(self) -> None:
        """Stop the children, the last one started first, each before the next."""
        while self._running:
            terminate([self._running.pop().process], self._grace_seconds)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.request_stop()

    def _log_path(self, child: Child) -> Path:
        return self._log_dir / f"{child.name}.log"

    def _spawn(self, child: Child) -> _Running:
        child.before_start()
        process = spawn(child.argv, self._log_path(child), child.environment)
        running = _Running(child, process, started_at=time.monotonic())
        self._running.append(running)
        return running

    def _await(self, running: _Running) -> None:
        child = running.child
        deadline = running.started_at + child.start_timeout_seconds
        while not child.answers():
            self.check()
            if running.process.poll() is not None:
                raise MachineError(
                    f"{child.name} {_ending(running)} while it started: {self._last_line(child)}"
                )
            if time.monotonic() > deadline:
                raise MachineError(
                    f"{child.name} does not serve after {child.start_timeout_seconds:g} s: "
                    f"see {self._log_path(child)}"
                )
            time.sleep(_POLL_SECONDS)
        running.serves = running.published = True

    def _bury(self, running: _Running, now: float) -> None:
        steady = now - running.started_at >= self._backoff.steady_seconds
        running.failures = 1 if steady else running.failures + 1
        pause_seconds = self._backoff.pause_seconds(running.failures)
        running.restart_at = now + pause_seconds
        self._say(
            f"{running.child.name} (pid {running.process.pid}) {_ending(running)}; "
            f"it is started again in {pause_seconds:g} s; its log is {self._log_path(running.child)}"
        )

    def _restart(self, running: _Running, now: float) -> None:
        running.child.before_start()
        running.process = spawn(running.child.argv, self._log_path(running.child), running.child.environment)
        running.started_at, running.restart_at = now, None
        running.serves = running.published = False

    def _look(self, running: _Running, now: float) -> None:
        running.serves = running.child.answers()
        late = now - running.started_at >= self._publish_after_seconds
        if not running.published and (running.serves or late):
            running.published = True
            self._on_change(self.pids)
        if running.serves:
            self._say(f"{running.child.name} serves again (pid {running.process.pid})")

    def _last_line(self, child: Child) -> str:
        """The end of a child's log, for a message; the whole is in the file."""
        path = self._log_path(child)
        lines = path.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip().splitlines()
        return f"{lines[-1][:300] if lines else 'it said nothing'} (all of it: {path})"


def _ending(running: _Running) -> str:
    status = running.process.returncode
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
