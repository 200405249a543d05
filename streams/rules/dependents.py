"""Everything in ClickHouse that depends on the rules, in one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from clickhouse_connect.driver.client import Client

from streams.rules.daily_points import DailyPoints
from streams.rules.derived_table import DerivedTable
from streams.rules.lead_sql import COLUMNS as LEAD_COLUMNS
from streams.rules.lead_sql import lead_select
from streams.rules.model import Rules


class Dependent(Protocol):
    """Something stored by the rules. Each step may be repeated, and ended at any point and begun again.

    What follows one set of rules has a name that no other has, so two sets never mix. The steps are called
    in this order; nobody reads what is prepared until `switch` and the new views, and workers write on all
    the time.
    """

    def constants(self, rules: Rules) -> Mapping[str, str]:
        """Names in the statements of views, `${…}`, and what stands for them by these rules."""
        ...

    def prepare(self, client: Client, rules: Rules) -> None:
        """Make room; whatever is written from here on follows these rules, too."""
        ...

    def fill(self, client: Client, rules: Rules, on_progress: Callable[[int, int], None]) -> None:
        """Let what was written before follow these rules; `on_progress` is told how much of it does."""
        ...

    def switch(self, client: Client, rules: Rules) -> None:
        """From here on views read what follows these rules."""
        ...

    def tidy(self, client: Client, rules: Rules) -> None:
        """Drop what follows other rules."""
        ...


LEAD_EVENTS: Final = DerivedTable("lead_events", "events", LEAD_COLUMNS, lead_select)
DEPENDENTS: Final[tuple[Dependent, ...]] = (DailyPoints(), LEAD_EVENTS)


def view_constants(rules: Rules) -> dict[str, str]:
    """What stands for each `${…}` in the statements of views, fragments apart."""
    constants = {"population_gap_days": repr(rules.churn.population_gap_days)}
    for dependent in DEPENDENTS:
        constants.update(dependent.constants(rules))
    return constants
