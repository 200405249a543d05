"""The import files of Superset as they are on disk, and the SQL that a chart asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

SOURCES: Final = Path(__file__).resolve().parents[2] / "deploy" / "superset" / "engagement-streams"
#: Superset's time grains in ClickHouse, as its engine has them.
_GRAINS: Final = {
    "PT1M": "toStartOfMinute(toDateTime({0}))",
    "P1D": "toStartOfDay(toDateTime({0}))",
    "P1W": "toMonday(toDateTime({0}))",
    "P1M": "toStartOfMonth(toDateTime({0}))",
}
_OPERATORS: Final = {"==": "="}


def read(kind: str) -> dict[str, dict[str, Any]]:
    """All of a kind (charts, datasets, …), by their name in Superset."""
    found = [yaml.safe_load(path.read_text()) for path in sorted((SOURCES / kind).rglob("*.yaml"))]
    names = ("slice_name", "table_name", "dashboard_title", "database_name")
    return {next(one[name] for name in names if name in one): one for one in found}


CHARTS: Final = read("charts")
DATASETS: Final = read("datasets")
(DATABASE,) = read("databases").values()
(DASHBOARD,) = read("dashboards").values()
DATASET_OF: Final = {
    title: next(dataset for dataset in DATASETS.values() if dataset["uuid"] == chart["dataset_uuid"])
    for title, chart in CHARTS.items()
}


def query(title: str) -> dict[str, Any]:
    """What a chart asks Superset for."""
    (asked,) = json.loads(CHARTS[title]["query_context"])["queries"]
    return dict(asked)


def columns(title: str) -> set[str]:
    """Those that a chart names, outside of expressions."""
    asked = query(title)
    named = {one["label"] if isinstance(one, dict) else one for one in asked["columns"]}
    return named | {one["col"] for one in asked["filters"]} | {one for one, _ in asked["orderby"]}


def sql(title: str) -> str:
    """The statement that Superset makes of it, in essence."""
    asked, dataset = query(title), DATASET_OF[title]
    calculated = {c["column_name"]: c["expression"] for c in dataset["columns"] if c["expression"]}
    dimensions = [_dimension(one, calculated) for one in asked["columns"]]
    measures = [f'{one["sqlExpression"]} AS "{one["label"]}"' for one in asked["metrics"] or ()]
    clauses = [f"SELECT {', '.join(dimensions + measures)} FROM {dataset['table_name']}"]
    if asked["filters"]:
        clauses.append("WHERE " + " AND ".join(map(_condition, asked["filters"])))
    if measures and dimensions:
        clauses.append("GROUP BY " + ", ".join(str(n + 1) for n in range(len(dimensions))))
    if asked["orderby"]:
        clauses.append(
            "ORDER BY " + ", ".join(f"{c} {'ASC' if up else 'DESC'}" for c, up in asked["orderby"])
        )
    return " ".join([*clauses, f"LIMIT {asked['row_limit']}"])


def _dimension(one: Any, calculated: dict[str, str]) -> str:
    if isinstance(one, dict):
        return _GRAINS[one["timeGrain"]].format(one["sqlExpression"])
    return calculated.get(one, one)


def _condition(one: dict[str, Any]) -> str:
    value = f"'{one['val']}'" if isinstance(one["val"], str) else one["val"]
    return f"{one['col']} {_OPERATORS.get(one['op'], one['op'])} {value}"
