"""One `engage up` per data directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.embedded.data_lock import lock_data_dir
from streams.errors import MachineError

HOLD = """
import signal, sys
from pathlib import Path
from streams.embedded.data_lock import lock_data_dir

with lock_data_dir(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def test_a_directory_is_created_and_free_again_after_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_data_dir(tmp_path / "new" / "data"):
            assert (tmp_path / "new" / "data").is_dir()


def test_a_held_directory_is_refused_with_the_pid_of_its_holder(tmp_path: Path) -> None:
    with (
        lock_data_dir(tmp_path),
        pytest.raises(MachineError, match=rf"in use by another `engage up` \(pid {os.getpid()}\)"),
        lock_data_dir(tmp_path),
    ):
        pytest.fail("held twice")


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)

    with lock_data_dir(tmp_path):
        assert (tmp_path / "engage-up.lock").read_text() == f"{os.getpid()}\n"
