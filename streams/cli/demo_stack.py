"""`engage up` as a child process, for the demonstration."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streams.config import Settings, load_settings
from streams.embedded.child_process import spawn, terminate
from streams.embedded.unsecured import UNSECURED
from streams.errors import MachineError

_LOOK_SECONDS = 0.1
_STOP_SECONDS = 60.0
_TAIL_BYTES = 4096


class Stack:
    """A running `engage up`: its settings, where the live page is, and a look whether it still runs."""

    def __init__(
        self, settings: Settings, dashboard: str | None, process: subprocess.Popen[bytes], log: Path
    ) -> None:
        self.settings = settings
        self.dashboard = dashboard
        self._process = process
        self._log = log

    def check(self) -> None:
        """Raise MachineError if it has ended; the message is its last line."""
        check_runs(self._process, self._log)


@contextmanager
def running_stack(data_dir: Path, *, with_dashboard: bool) -> Iterator[Stack]:
    """Kafka, ClickHouse, a worker and the live page on free ports; stopped in order when the block ends.

    Call it from the main thread.

    Raises:
        MachineError: it does not start; the message is its last line.
    """
    log = data_dir / "logs" / "up.log"
    with tempfile.TemporaryDirectory(prefix="engage-demo-") as directory:
        ready_file = Path(directory) / "ready.json"
        process = spawn(_command(data_dir, ready_file, with_dashboard), log)
        try:
            while not ready_file.exists():
                check_runs(process, log)
                time.sleep(_LOOK_SECONDS)
            ready = json.loads(ready_file.read_text())
            yield Stack(_settings(ready), ready["dashboard"], process, log)
        finally:
            terminate([process], _STOP_SECONDS)


def check_runs(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raise MachineError if the process has ended."""
    if process.poll() is None:
        return
    lines = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip().splitlines()
    raise MachineError(lines[-1].removeprefix("engage: ") if lines else f"`engage up` ended: see {log}")


def _command(data_dir: Path, ready_file: Path, with_dashboard: bool) -> list[str]:
    up = [sys.executable, "-m", "streams.cli", "up", "--data-dir", str(data_dir)]
    page = ["--dashboard-port", "0"] if with_dashboard else ["--no-dashboard"]
    return [*up, "--kafka-port", "0", "--clickhouse-port", "0", *page, "--ready-file", str(ready_file)]


def _settings(ready: dict[str, Any]) -> Settings:
    return load_settings(
        kafka_bootstrap=ready["kafka"],
        clickhouse_url=ready["clickhouse"],
        **UNSECURED,
    )
