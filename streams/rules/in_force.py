"""The rules in force: those that the figures in this database follow, in `settings`."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse import connect, one_line
from streams.config import Settings
from streams.errors import MigrationError, RulesError
from streams.rules.model import Rules, first_difference, from_text, load_rules, to_text
from streams.settings_table import read_setting, write_setting

_KEY: Final = "rules"


def read_rules(client: Client) -> Rules | None:
    """The rules in force, None in a database that has none yet."""
    text = read_setting(client, _KEY)
    return from_text(text) if text else None


def write_rules(client: Client, rules: Rules) -> None:
    """From here on these are in force. The last step of `engage restate`."""
    write_setting(client, _KEY, to_text(rules))


def rules_in_force(client: Client) -> Rules:
    """The rules in force.

    Raises:
        MigrationError: there are none: `engage migrate` was not run.
    """
    try:
        rules = read_rules(client)
    except ClickHouseError as error:
        raise MigrationError(
            f"cannot read the rules in force ({one_line(error)}): run `engage migrate`"
        ) from error
    if rules is None:
        raise MigrationError("the database has no rules yet: run `engage migrate`")
    return rules


def difference(settings: Settings) -> str | None:
    """How the rules of ENGAGE_RULES_FILE, or the built-in ones, differ from those in force, in one line.

    Raises:
        ConfigError: something is wrong in the file.
        ClickHouseUnavailable: nothing answers.
        MigrationError: there are no rules in force.
    """
    rules = load_rules(settings.rules_file)
    with closing(connect(settings)) as client:
        differing = first_difference(rules, rules_in_force(client))
    given = settings.rules_file or "built in"
    return f"the rules ({given}) are not those in force: {differing}" if differing else None


def check_rules(settings: Settings) -> None:
    """As `difference`, for a worker.

    Raises:
        RulesError: they differ.
    """
    if differing := difference(settings):
        raise RulesError(f"{differing}. Run `engage restate` to put them in force.")
