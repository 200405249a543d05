"""What a flush has made of its events, nothing of it durable yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

from schemas.rows import Customer5mRow, CustomerDailyRow, CustomerStateRow, Row
from streams.core import project
from streams.core.fold import Customer
from streams.customers import changes_of
from streams.intake import Delivery
from streams.state_store import Change


class History(NamedTuple):
    """Changes of a customer's churn status, as `project.transition_row` gives them.

    Either all up to now (`is_whole`), whatever the table has; or those that come behind what it has.
    """

    customer_id: str
    n_applied: int
    changes: list[project.Cells]
    is_whole: bool


class Folded(NamedTuple):
    """`changes` are those of the state, by partition; `states`, `days` and `fives` are rows.

    `fact_cells` are those of `facts`, one behind the other. `claims` are of duplicates as well: a customer
    folded anew knows facts whose flush ended before it could tell.
    """

    touched: list[Customer]
    facts: list[Delivery]
    fact_cells: list[Any]
    claims: set[str]
    changes: dict[int, list[Change]]
    states: list[project.Cells]
    days: list[project.Cells]
    fives: list[project.Cells]
    histories: list[History]

    @classmethod
    def empty(cls) -> Folded:
        return cls([], [], [], set(), defaultdict(list), [], [], [], [])

    def rows(self) -> dict[type[Row], list[project.Cells]]:
        """Rows by table."""
        return {CustomerStateRow: self.states, CustomerDailyRow: self.days, Customer5mRow: self.fives}

    def drop(self, customer_ids: Collection[str]) -> None:
        """Forget customers and their rows, in favour of what `put` is given next.

        Their changes and state rows stay: of two for one key the later, with the higher version, holds.
        """
        for rows in (self.days, self.fives):
            rows[:] = [row for row in rows if row[0] not in customer_ids]
        self.touched[:] = [customer for customer in self.touched if customer.id not in customer_ids]
        self.histories[:] = [one for one in self.histories if one.customer_id not in customer_ids]

    def put(
        self,
        customer: Customer,
        days: list[project.Cells],
        fives: list[project.Cells],
        epoch: int,
    ) -> None:
        """Add a customer with exactly these rows of days and five minutes.

        An anonymous visitor without an event, claimed before the first or in vain, has no row of its own.
        """
        self.touched.append(customer)
        if customer.state.events_total:
            self.states.append(project.state_row(customer, epoch))
        self.days.extend(days)
        self.fives.extend(fives)
        self.changes[customer.partition] += changes_of(customer)
