"""`engage restate`, and what `engage migrate` and `engage worker` say of rules that are not in force."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.config import Settings
from tests.cli.commands import Engage

RULES = "[score]\nhalf_point = {}\n"


@pytest.fixture
def rules(clickhouse: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that ENGAGE_RULES_FILE names: as built in."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES.format(50))
    monkeypatch.setenv("ENGAGE_RULES_FILE", str(path))
    return path


def test_rules_are_put_in_force_once(engage: Engage, rules: Path) -> None:
    assert engage("restate") == (0, "nothing to do: these rules are in force\n", "")
    rules.write_text(RULES.format(20))
    assert engage("restate") == (0, "the rules are in force now (score.half_point: 20.0, not 50.0)\n", "")
    assert engage("restate") == (0, "nothing to do: these rules are in force\n", "")
    rules.write_text(RULES.format(50))
    assert engage("restate").status == 0


def test_migrate_says_that_the_file_is_not_in_force(engage: Engage, rules: Path) -> None:
    assert "engage restate" not in engage("migrate").out
    rules.write_text(RULES.format(20))
    (line,) = [line for line in engage("migrate").out.splitlines() if "engage restate" in line]
    assert f"the rules ({rules}) are not those in force: score.half_point: 20.0, not 50.0." in line


@pytest.mark.parametrize("command", ["restate", "migrate"])
def test_a_mistake_in_the_file_is_one_line(engage: Engage, rules: Path, command: str) -> None:
    rules.write_text(RULES.format(-1))
    assert engage(command) == (2, "", f"engage: {rules}:2: score.half_point: must be at least 0.001\n")


@pytest.mark.slow
def test_a_worker_with_other_rules_ends_and_names_restate(rules: Path, kafka_topics: Settings) -> None:
    rules.write_text(RULES.format(20))
    where = {
        "ENGAGE_KAFKA_BOOTSTRAP": kafka_topics.kafka_bootstrap,
        "ENGAGE_PARTITIONS": str(kafka_topics.partitions),
    }
    # A process of its own, as a worker sets up logging for good.
    worker = [sys.executable, "-m", "streams.cli", "worker"]
    ended = subprocess.run(worker, env={**os.environ, **where}, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1] == (  # before it Kafka's client may say that the machine is slow
        f"engage: the rules ({rules}) are not those in force: score.half_point: 20.0, not 50.0. "
        "Run `engage restate` to put them in force."
    )
