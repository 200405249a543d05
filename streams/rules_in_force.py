"""The rules in force: those that the figures in this database follow, in `settings`."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from streams.errors import MigrationError, RulesError
from streams.rules import Rules, first_difference, from_text, load_rules, to_text
from streams.settings_table import read_setting, write_setting

_KEY: Final = "rules"


def read_rules(client: Client) -> Rules | None:
    """The rules in force, None in a database that has none yet."""
    text = read_setting(client, _KEY)
    return from_text(text) if text else None


def write_rules(client: Client, rules: Rules) -> None:
    """From here on these are in force. The last step of `engage restate`."""
    write_setting(client, _KEY, to_text(rules))


def difference(settings: Settings) -> str | None:
    """How the rules of ENGAGE_RULES_FILE, or the built-in ones, differ from those in force, in one line.

    Raises:
        ConfigError: something is wrong in the file.
        ClickHouseUnavailable: nothing answers.
        MigrationError: the database has no rules: `engage migrate` was not run.
    """
    rules = load_rules(settings.rules_file)
    with closing(connect(settings)) as client:
        in_force = read_rules(client)
    if in_force is None:
        raise MigrationError(
            f"the database {settings.clickhouse_database} has no rules: run `engage migrate`"
        )
    differing = first_difference(rules, in_force)
    given = settings.rules_file or "built in"
    return f"the rules ({given}) are not those in force: {differing}" if differing else None


def check_rules(settings: Settings) -> None:
    """As `difference`, for a worker.

    Raises:
        RulesError: they differ.
    """
    if differing := difference(settings):
        raise RulesError(f"{differing}. Run `engage restate` to put them in force.")
