"""One of our workers as a process, with the settings of production."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import Self

from streams.config import Settings
from streams.embedded.child_process import spawn, terminate
from streams.ops.drain import drain

_START_SECONDS: Final = 120.0
_DRAIN_SECONDS: Final = 1800.0
_STOP_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.005


class WorkerFailed(Exception):
    """A worker has ended, or is not ready in time; the message holds the end of its log."""


class Worker:
    """A worker that runs until the block ends, or until `stop` or `kill`.

    Args:
        settings: names its group, its database and its servers.
        directory: for its state and its log. Kept: a worker that is started here again finds its disk.
        environment: further variables, such as ENGAGE_FLUSH_MAX_RECORDS.
    """

    def __init__(self, settings: Settings, directory: Path, **environment: str) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._ready_file = directory / "ready"
        self._ready_file.unlink(missing_ok=True)
        self._log = directory / "worker.log"
        self.process: subprocess.Popen[bytes] = spawn(
            [sys.executable, "-m", "streams.cli", "worker"],
            self._log,
            {**worker_environment(settings, directory, self._ready_file), **environment},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_ready(self, timeout_seconds: float = _START_SECONDS) -> None:
        """Return once it has joined its group, recovered its state and begins to read.

        Raises:
            WorkerFailed: it ended, or the time is up.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self._ready_file.exists():
            self.check()
            if time.monotonic() > deadline:
                raise WorkerFailed(f"not ready after {timeout_seconds:g} s\n{self.log()}")
            time.sleep(_LOOK_SECONDS)

    def check(self) -> None:
        """Raise WorkerFailed if it has ended."""
        if self.process.poll() is not None:
            raise WorkerFailed(f"ended with {self.process.returncode}\n{self.log()}")

    def stop(self) -> None:
        """SIGTERM: it finishes its flush, commits and leaves the group. Nothing if it has ended."""
        terminate([self.process], _STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL; its disk stays as it is."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def log(self) -> str:
        """The last lines that it has written."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


def wait_drained(settings: Settings, timeout_seconds: float = _DRAIN_SECONDS) -> None:
    """Return once all that was in the source topics is visible in ClickHouse and committed.

    Raises:
        EngageError: the time is up.
    """
    drain(settings, timeout_seconds)


def worker_environment(settings: Settings, directory: Path, ready_file: Path) -> dict[str, str]:
    """What a worker is started with; `ready_file` appears when it begins to read."""
    return {
        "ENGAGE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
        "ENGAGE_GROUP_ID": settings.group_id,
        "ENGAGE_PARTITIONS": str(settings.partitions),
        "ENGAGE_LOG_FORMAT": "json",
        "ENGAGE_DATA_DIR": str(directory),
        "ENGAGE_READY_FILE": str(ready_file),
    }
