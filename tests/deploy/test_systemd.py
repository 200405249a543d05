"""deploy/systemd: systemd itself takes the units, and finds little to expose."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.cli import COMMANDS
from streams.config import Settings

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))
NAMES = [unit.name for unit in UNITS]
#: `systemd-analyze security`, in tenths: 0 exposes nothing, 100 everything.
MOST_EXPOSED = 15

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def analyze(unit: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """An instance of the unit, with a program that is there on this machine."""
    copy = directory / unit.name.replace("@", "@1")
    copy.write_text(unit.read_text().replace("/opt/engage/bin/engage", "/bin/true"))
    return subprocess.run(
        ["systemd-analyze", *arguments, str(copy)], capture_output=True, text=True, timeout=60, check=False
    )


def test_there_is_a_unit_for_each_process() -> None:
    assert NAMES == [
        "engagement-collector.service",
        "engagement-dashboard.service",
        "engagement-lag-exporter.service",
        "engagement-worker@.service",
    ]


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_systemd_takes_it(unit: Path, tmp_path: Path) -> None:
    found = analyze(unit, tmp_path, "verify")

    assert (found.returncode, found.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_it_is_confined(unit: Path, tmp_path: Path) -> None:
    found = analyze(unit, tmp_path, "security", "--offline=true", f"--threshold={MOST_EXPOSED}")

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_commands_and_settings_exist(unit: Path) -> None:
    text = unit.read_text()
    command = re.search(r"^ExecStart=/opt/engage/bin/engage (\S+)", text, re.MULTILINE)
    known = {f"ENGAGE_{name.upper()}" for name in Settings.model_fields}

    assert command is not None
    assert command[1] in COMMANDS
    assert set(re.findall(r"ENGAGE_[A-Z_]+", text)) <= known


@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_a_process_has_time_to_end_and_is_started_again(unit: Path) -> None:
    text = unit.read_text()
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)

    assert seconds is not None
    assert int(seconds[1]) > 20
    assert "\nRestart=always\n" in text
