"""Restate: put changed rules in force while the stream runs on.

Workers know no weights: ClickHouse computes what depends on the rules (`streams.rules.dependents`), so
nothing has to be agreed with them. Each of `STEPS` may be repeated, so an interrupted restate is run again,
and goes on; with other rules than before it begins anew, as what follows other rules has other names.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse import connect_patiently, one_line
from streams.config import Settings
from streams.errors import MigrationError
from streams.migrations import apply_views
from streams.rules.claim import claimed
from streams.rules.dependents import DEPENDENTS
from streams.rules.in_force import rules_in_force, write_rules
from streams.rules.model import Rules, first_difference, load_rules

#: Told how much of the table at hand is done, and how much there is.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Run:
    """What the steps need."""

    settings: Settings
    client: Client
    rules: Rules
    on_progress: OnProgress = lambda done, total: None


def prepare(run: Run) -> None:
    """1. Whatever is written from here on follows the new rules, too."""
    for dependent in DEPENDENTS:
        dependent.prepare(run.client, run.rules)


def fill(run: Run) -> None:
    """2. So does what was written before."""
    for dependent in DEPENDENTS:
        dependent.fill(run.client, run.rules, run.on_progress)


def switch(run: Run) -> None:
    """3. Views show the new points, all at one instant."""
    for dependent in DEPENDENTS:
        dependent.switch(run.client, run.rules)


def renew_views(run: Run) -> None:
    """4. Views that name a table or a number of the rules follow, one after the other."""
    apply_views(run.client, run.settings, run.rules)


def put_in_force(run: Run) -> None:
    """5. Workers with these rules may start; those with the rules of before may not."""
    write_rules(run.client, run.rules)


def tidy(run: Run) -> None:
    """6. What follows other rules goes, also what an interrupted restate has left."""
    for dependent in DEPENDENTS:
        dependent.tidy(run.client, run.rules)


STEPS: Final = (prepare, fill, switch, renew_views, put_in_force, tidy)


def restate(settings: Settings, *, on_progress: OnProgress = lambda done, total: None) -> str | None:
    """Put the rules of ENGAGE_RULES_FILE, or the built-in ones, in force.

    Returns the first field that differed, None if nothing did.

    Raises:
        ConfigError: something is wrong in the file.
        RulesError: another restate is at work.
        ClickHouseUnavailable, MigrationError: nothing answers; a statement failed. Run it again to go on.
    """
    rules = load_rules(settings.rules_file)
    with closing(connect_patiently(settings)) as client:
        rules_in_force(client)
        with claimed(settings, client) as claim:
            run = Run(settings, client, rules, on_progress)
            differing = first_difference(rules, rules_in_force(client))
            for step in STEPS if differing else (tidy,):
                claim.check()
                _take(step, run)
            return differing


def _take(step: Callable[[Run], None], run: Run) -> None:
    try:
        step(run)
    except ClickHouseError as error:
        raise MigrationError(
            f"{step.__name__} failed: {one_line(error)}. Run `engage restate` again."
        ) from error
