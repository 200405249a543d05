"""The checks: `sql/verify/VIEW.sql` recomputes a view from tables that `sql/verify/prelude` makes of facts.

Two lines of a check's comment are read:

    -- key: customer_id, channel      the columns that name a row
    -- needs: all customers           only if it does: its numbers cannot be had from some customers' facts

A check has the columns of its view. `${facts}`, `${orders}` and `${ledger}` stand for these tables, cut down
to the customers that are looked at, `${NAME}` for `sql/verify/fragments/NAME.sql`, which may name them, too.
Adding a check is adding a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import Template
from typing import Final

from streams.errors import MigrationError

CUSTOMER: Final = "customer_id"
#: Tables of the prelude that are sorted by customer, and of which a check may ask for a part.
BY_CUSTOMER: Final = ("facts", "orders", "ledger")
_ROWS_OF: Final = Template("SELECT * FROM $table WHERE customer_id IN (SELECT customer_id FROM $customers)")
_ROWS: Final = Template("SELECT * FROM $table")
_KEY: Final = re.compile(r"^-- key: (.+)$", re.MULTILINE)
_NEEDS_ALL: Final = re.compile(r"^-- needs: all customers$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """How one view is recomputed. Rows are told apart by the columns `key`."""

    view: str
    key: tuple[str, ...]
    needs_all: bool
    sql: str

    @property
    def is_by_customer(self) -> bool:
        """Whether its rows are of single customers, so that some customers can be looked at."""
        return CUSTOMER in self.key

    @property
    def is_in_parts(self) -> bool:
        """Whether some customers' facts are enough for some customers' rows."""
        return self.is_by_customer and not self.needs_all

    def statement(self, customers: str) -> str:
        """The query that recomputes the view.

        `customers` names a table of the customers to look at, which only a check by customer takes note of.
        """
        part = partial(_rows_of, customers=customers) if self.is_in_parts else _rows
        text = Template(self.sql).substitute({table: f"({part(table)})" for table in BY_CUSTOMER})
        return _rows_of(f"({text})", customers) if self.is_by_customer else text

    def published(self, customers: str) -> str:
        """The query for what the view shows, see `statement`."""
        return _rows_of(self.view, customers) if self.is_by_customer else _rows(self.view)


def _rows_of(table: str, customers: str) -> str:
    return _ROWS_OF.substitute(table=table, customers=customers)


def _rows(table: str) -> str:
    return _ROWS.substitute(table=table)


def load_checks(sql: Path) -> list[Check]:
    """All checks of a `sql` directory, by the name of their view.

    Raises:
        MigrationError: a check does not say what its key is.
    """
    fragments = {
        path.stem: path.read_text(encoding="utf-8") for path in (sql / "verify" / "fragments").glob("*.sql")
    }
    return [_check(path, fragments) for path in sorted((sql / "verify").glob("v_*.sql"))]


def load_prelude(sql: Path) -> Mapping[str, str]:
    """The statements that make tables of facts, by the name of the table, in their order."""
    paths = sorted((sql / "verify" / "prelude").glob("*.sql"))
    return {path.stem.partition("_")[2]: path.read_text(encoding="utf-8") for path in paths}


def _check(path: Path, fragments: Mapping[str, str]) -> Check:
    text = Template(path.read_text(encoding="utf-8")).safe_substitute(fragments)
    key = _KEY.search(text)
    if key is None:
        raise MigrationError(f"{path} has no line `-- key: …` with the columns that name a row.")
    return Check(path.stem, tuple(key[1].split(", ")), _NEEDS_ALL.search(text) is not None, text)
