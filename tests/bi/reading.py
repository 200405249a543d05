"""What a client tells of the views: one line, a JSON object, per step.

    {"step": "connect", "about": "", "version": "26.9.2.1"}
    {"step": "list", "about": "", "views": ["v_active_days", …]}
    {"step": "describe", "about": VIEW, "columns": [[name, type, comment], …]}
    {"step": "count", "about": VIEW, "count": "12"}
    {"step": "page", "about": VIEW, "rows": [[cell, …], …]}       as often as there are pages
    {"step": "long", "about": "", "rows": "300000", "sum": "…"}   numbers, and how many digits each has
    {"step": "statement", "about": SQL, "rows": 3}
    {"step": STEP, "about": …, "failed": message}                 in place of these

Three steps are to fail: "refused" reads a base table, "wrong_name" a view that is not there, "wrong_column" a
column that is not there.

A cell is null, or a text that ClickHouse would write: an integer in digits, a day, an instant in UTC with
milliseconds. Floats may be written in any way that keeps them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Cell = str | None
Line = dict[str, Any]


class Column(NamedTuple):
    name: str
    type: str
    comment: str


@dataclass
class Reading:
    """`failures` by (step, what it was about); a step that went well is not there."""

    version: str = ""
    views: tuple[str, ...] = ()
    columns: dict[str, list[Column]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    pages: dict[str, list[list[list[Cell]]]] = field(default_factory=lambda: defaultdict(list))
    long: tuple[int, int] = (0, 0)
    statements: dict[str, int] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def rows(self, view: str) -> list[list[Cell]]:
        return [row for page in self.pages[view] for row in page]


def read(lines: Iterable[Line]) -> Reading:
    """Put the lines of one client together."""
    found = Reading()
    for line in lines:
        if "failed" in line:
            found.failures[line["step"], line["about"]] = line["failed"]
        else:
            _add(found, line)
    return found


def _add(found: Reading, line: Line) -> None:
    step, about = line["step"], line["about"]
    if step == "connect":
        found.version = line["version"]
    elif step == "list":
        found.views = tuple(line["views"])
    elif step == "describe":
        found.columns[about] = [Column(*column) for column in line["columns"]]
    elif step == "count":
        found.counts[about] = int(line["count"])
    elif step == "page":
        found.pages[about].append(line["rows"])
    elif step == "long":
        found.long = int(line["rows"]), int(line["sum"])
    else:
        found.statements[about] = line["rows"]
