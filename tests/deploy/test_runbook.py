"""The runbook has an entry for each alert, and its commands and queries are ones that exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click
import pytest
import typer

from streams.cli import app
from streams.clickhouse import connect
from streams.config import Settings
from tests.deploy.alert_rules import ALERTS
from tests.deploy.runbook import COMMANDS, ENTRIES, QUERIES, RUNBOOK


def test_every_alert_has_an_entry_in_the_runbook_and_every_entry_an_alert() -> None:
    assert list(ENTRIES) == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_entry_says_what_is_seen_what_it_means_and_what_to_do(name: str) -> None:
    parts = re.findall(r"^\*\*(You see|It means|Do)\*\*", ENTRIES[name], flags=re.MULTILINE)
    assert parts == ["You see", "It means", "Do"]


def test_links_within_the_runbook_lead_somewhere() -> None:
    anchors = set(re.findall(r"\]\(#(\w+)\)", RUNBOOK))

    assert anchors
    assert anchors <= {name.lower() for name in ENTRIES}


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_a_command_of_the_runbook_can_be_given_as_it_stands(line: str) -> None:
    command: Any = typer.main.get_command(app)
    name, *arguments = shlex.split(line)
    with click.Context(command, info_name=name) as context:
        while hasattr(command, "get_command"):
            name = arguments.pop(0)
            command = command.get_command(context, name)
            assert command is not None, name

        assert command.make_context(name, arguments).params is not None


@pytest.mark.parametrize("sql", QUERIES)
def test_clickhouse_understands_every_query_of_the_runbook(sql: str, filled: Settings) -> None:
    client = connect(filled)
    try:
        assert client.raw_query(sql, fmt="TSVWithNames")
    finally:
        client.close()
