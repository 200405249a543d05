"""Worker processes of a scenario, by number."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streams.embedded.child_process import spawn, terminate

_STOP_SECONDS = 30
_WORKER = ("streams.cli", "worker")
_MUTATED_WORKER = "tests.faults.mutated_worker"
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Workers:
    """Starts, hurts and stops workers. Whoever inherits says where each lives and what its settings are.

    `mutation`: the one that workers are started with, see `mutations`; none if it is empty.
    """

    def __init__(self) -> None:
        self.mutation = ""
        self.workers: dict[int, subprocess.Popen[bytes]] = {}

    @abstractmethod
    def worker_dir(self, number: int) -> Path: ...

    @abstractmethod
    def worker_environment(self, number: int) -> dict[str, str]: ...

    def start_worker(
        self, number: int = 0, failpoint: str = "", **environment: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker; it does not wait, as the worker may be meant to die before it is ready."""
        directory = self.worker_dir(number)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "ready").unlink(missing_ok=True)
        command = (_MUTATED_WORKER, self.mutation) if self.mutation else _WORKER
        process = spawn(
            [sys.executable, "-m", *command],
            directory / "worker.log",
            {**self.worker_environment(number), "ENGAGE_FAILPOINT": failpoint, **environment},
        )
        self.workers[number] = process
        return process

    def wait_ready(self, *numbers: int) -> None:
        for number in numbers or (0,):
            ready = self.worker_dir(number) / "ready"
            wait_until(
                lambda ready=ready, number=number: ready.exists() or not self.is_alive(number),
                f"worker {number} is not ready",
            )
            assert self.is_alive(number), self.log(number)

    def is_alive(self, number: int = 0) -> bool:
        return self.workers[number].poll() is None

    def is_stopped(self, number: int = 0) -> bool:
        """Whether it is held by SIGSTOP."""
        stat = Path(f"/proc/{self.workers[number].pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def assert_alive(self, *numbers: int) -> None:
        """What was to be waited out has not ended a worker."""
        for number in numbers or (0,):
            assert self.is_alive(number), f"worker {number} has ended\n{self.log(number)}"

    def signal_worker(self, number: int, sent: signal.Signals) -> None:
        self.workers[number].send_signal(sent)

    def kill_worker(self, number: int = 0) -> None:
        self.workers[number].kill()
        self.workers[number].wait()

    def stop_worker(self, number: int = 0) -> None:
        """SIGTERM, which must end it in order."""
        self.workers[number].terminate()
        assert self.workers[number].wait(_STOP_SECONDS) == 0, self.log(number)

    def wipe_worker(self, number: int = 0) -> None:
        """Delete a dead worker's disk."""
        shutil.rmtree(self.worker_dir(number) / "state", ignore_errors=True)

    def stop_workers(self) -> None:
        for process in self.workers.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        terminate(list(self.workers.values()), _STOP_SECONDS)
        self.workers.clear()

    # -- looking ---------------------------------------------------------------------------------

    def log(self, number: int = 0) -> str:
        """The end of a worker's log."""
        return "\n".join(self._lines(number)[-20:])

    def logged(self, event: str, number: int = 0) -> list[dict[str, Any]]:
        """Structured log lines of one kind."""
        lines = [json.loads(line) for line in self._lines(number) if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]

    def _lines(self, number: int) -> list[str]:
        path = self.worker_dir(number) / "worker.log"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def memory_mib(self, number: int = 0) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.workers[number].pid}/statm").read_text().split()[1])
        return pages * _PAGE_BYTES / 2**20

    def open_files(self, number: int = 0) -> int:
        return len(list(Path(f"/proc/{self.workers[number].pid}/fd").iterdir()))


def wait_until(condition: Callable[[], bool], message: str, timeout_seconds: float = 60) -> None:
    """Poll a condition of another process, which has no event to wait for here."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)
