"""The command `engage` as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import COMMANDS, LazyCommands, app
from streams.embedded.ports import free_ports


def engage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_each_listed_command_exists_and_has_help(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])

    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])

    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.output


def test_a_mistyped_command_is_answered_with_the_near_one() -> None:
    result = CliRunner().invoke(app, ["topic"])

    assert result.exit_code == 2
    assert "Did you mean 'topics'" in result.output


def test_a_command_imports_only_its_own_module() -> None:
    typer.main.get_command(app)
    program = (
        "import sys; from streams.cli import app; from typer.testing import CliRunner;"
        "CliRunner().invoke(app, ['up', '--help']);"
        "print([name for name in ('kafka', 'clickhouse_connect', 'chdb', 'faust') if name in sys.modules])"
    )

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert shown.stdout == "[]\n"


def test_a_broken_setting_is_one_line_with_status_2() -> None:
    result = engage("topics", ENGAGE_PARTITIONS="many")

    assert result.returncode == 2
    assert result.stderr.startswith("engage: ENGAGE_PARTITIONS: ")
    assert result.stderr.count("\n") == 1


def test_an_unreachable_kafka_is_one_line_that_names_the_setting() -> None:
    (port,) = free_ports(1)

    result = engage("topics", ENGAGE_KAFKA_BOOTSTRAP=f"127.0.0.1:{port}")

    assert result.returncode == 1
    assert f"engage: Kafka at 127.0.0.1:{port} does not serve" in result.stderr
    assert "ENGAGE_KAFKA_BOOTSTRAP" in result.stderr
    assert result.stderr.count("\n") == 1


def test_topics_are_created_by_the_command(kafka_broker: str) -> None:
    first = engage("topics", ENGAGE_KAFKA_BOOTSTRAP=kafka_broker, ENGAGE_PARTITIONS="2")
    again = engage("topics", ENGAGE_KAFKA_BOOTSTRAP=kafka_broker, ENGAGE_PARTITIONS="2")

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert "2 partitions each" in again.stdout


def test_the_commands_of_the_group_are_those_of_the_list() -> None:
    group = typer.main.get_command(app)

    assert isinstance(group, LazyCommands)
    assert group.list_commands(None) == list(COMMANDS)
