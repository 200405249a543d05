"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_POLL_SECONDS = 0.02


def spawn(
    argv: Sequence[str], log_path: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `argv` with its output appended to `log_path`; `environment` is added to this process's own.

    The child leads a process group of its own: Ctrl-C in the terminal reaches only the parent, which stops
    its children in order. On Linux the kernel kills the child when the parent is gone, however that ended.
    Call it from the main thread: the kernel watches the thread that forked.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the caller gives a fixed command, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
        )


def terminate(processes: Sequence[subprocess.Popen[bytes]], grace_seconds: float) -> None:
    """SIGTERM to all at once, SIGKILL to the groups of those that are still there after `grace_seconds`."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + grace_seconds
    for process in processes:
        _wait_until(process, deadline)
        if process.poll() is None:
            _kill_group(process)


def _wait_until(process: subprocess.Popen[bytes], deadline: float) -> None:
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the child together with what it may have started, and reap it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _die_with_parent(parent_pid: int) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended before the kernel was asked.
        if os.getppid() != parent_pid:
            os._exit(1)

    return ask_the_kernel
