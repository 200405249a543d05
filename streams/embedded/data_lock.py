"""One `engage up` per data directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import MachineError


@contextmanager
def lock_data_dir(data_dir: Path) -> Iterator[None]:
    """Create the directory and hold it for this process; when it ends, however it ends, the kernel lets go.

    Raises:
        MachineError: another process holds it, or it cannot be written.
    """
    path = data_dir / "engage-up.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise MachineError(
            f"cannot write {path} ({error.strerror}): choose another directory with `--data-dir DIR`"
        ) from error
    with file:
        _lock(file.fileno(), path)
        path.write_text(f"{os.getpid()}\n")
        yield


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = path.read_text().strip() or "unknown"
        raise MachineError(
            f"{path.parent} is in use by another `engage up` (pid {holder}): stop that one, "
            "or choose another directory with `--data-dir DIR`"
        ) from error
