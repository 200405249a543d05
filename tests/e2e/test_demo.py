"""`engage demo --once`, which `make demo ARGS=--once` runs: twice, on the same data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_demo_adds_up_also_the_second_time(tmp_path: Path) -> None:
    directory = tmp_path / "with a space"
    command = [sys.executable, "-m", "streams.cli", "demo", "--once", "--data-dir", str(directory)]
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "all counts add up" in done.stdout
        assert "records rejected" in done.stdout
