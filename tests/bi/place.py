"""Where the views are, and what is in them by plain HTTP, without any client."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import NamedTuple

from tests.bi.reading import Cell, Column

#: A view with a parameter: it can be asked, but has no columns that a list could show.
PARAMETRIZED = "v_purchase_summary_at(cutoff='2026-03-29')"
READER = "bi_reader"


class Place(NamedTuple):
    """`url` without a path."""

    url: str
    database: str

    @property
    def port(self) -> int:
        return urllib.parse.urlsplit(self.url).port or 8123

    def rows(self, sql: str) -> list[list[Cell]]:
        """As the `default` user, each cell as ClickHouse writes it."""
        query = urllib.parse.urlencode(
            {"database": self.database, "default_format": "JSONCompactEachRow", "enable_http_compression": 0}
        )
        with urllib.request.urlopen(f"{self.url}/?{query}", data=sql.encode(), timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return [json.loads(line, parse_int=str, parse_float=str) for line in lines]

    def views(self) -> list[str]:
        found = self.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'v\\_%'"
        )
        return sorted(str(name) for (name,) in found)

    def columns(self, view: str) -> list[Column]:
        found = self.rows(
            "SELECT name, type, comment FROM system.columns"
            f" WHERE database = currentDatabase() AND table = '{view}' ORDER BY position"
        )
        return [Column(*map(str, row)) for row in found]


def relation_of(view: str) -> str:
    """What stands behind FROM."""
    return PARAMETRIZED if PARAMETRIZED.startswith(f"{view}(") else view


def as_value(type_: str) -> Callable[[Cell], float | Cell]:
    """Makes cells of a column comparable: floats by value, all else by its text."""
    return (lambda cell: cell if cell is None else float(cell)) if "Float" in type_ else lambda cell: cell
