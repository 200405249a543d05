"""Superset's dashboard: sections of charts, in rows from left to right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from deploy.superset.charts import Chart
from deploy.superset.identity import VERSION, uuid_of

_GRID_COLUMNS: Final = 12
_IN_GRID: Final = ["ROOT_ID", "GRID_ID"]
_REFRESH_SECONDS: Final = 300


class Section(NamedTuple):
    """Charts of one height under a title; a unit of height is 8 pixels."""

    title: str
    charts: Sequence[Chart]
    height: int = 45


def dashboard_file(title: str, description: str, sections: Sequence[Section]) -> dict[str, Any]:
    """The dashboard as Superset imports it; it looks again every five minutes."""
    return {
        "dashboard_title": title,
        "description": description,
        "slug": "engagement-streams",
        "css": "",
        "published": True,
        "uuid": uuid_of("dashboard", title),
        "position": _position(title, sections),
        "metadata": {
            "refresh_frequency": _REFRESH_SECONDS,
            "cross_filters_enabled": True,
            "native_filter_configuration": [],
            "chart_configuration": {},
        },
        "version": VERSION,
    }


def _position(title: str, sections: Sequence[Section]) -> dict[str, Any]:
    parts = {part["id"]: part for part in _parts(sections)}
    in_grid = [part["id"] for part in parts.values() if part["parents"] == _IN_GRID]
    return {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": in_grid, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}},
        **parts,
    }


def _parts(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    numbers = {chart.title: n for n, chart in enumerate((c for s in sections for c in s.charts), 1)}
    for section_number, section in enumerate(sections, 1):
        yield {
            "type": "HEADER",
            "id": f"HEADER-{section_number}",
            "children": [],
            "parents": _IN_GRID,
            "meta": {"text": section.title, "headerSize": "MEDIUM_HEADER", "background": _TRANSPARENT},
        }
        for row_number, row in enumerate(_rows(section.charts), 1):
            row_id = f"ROW-{section_number}-{row_number}"
            charts = [_chart(chart, numbers[chart.title], section.height, row_id) for chart in row]
            yield {
                "type": "ROW",
                "id": row_id,
                "children": [chart["id"] for chart in charts],
                "parents": _IN_GRID,
                "meta": {"background": _TRANSPARENT},
            }
            yield from charts


_TRANSPARENT: Final = "BACKGROUND_TRANSPARENT"


def _rows(charts: Iterable[Chart]) -> Iterator[list[Chart]]:
    row: list[Chart] = []
    for chart in charts:
        if sum(one.width for one in row) + chart.width > _GRID_COLUMNS:
            yield row
            row = []
        row.append(chart)
    yield row


def _chart(chart: Chart, number: int, height: int, row_id: str) -> dict[str, Any]:
    """Superset finds the chart by its uuid and puts its own number in the place of `chartId`."""
    return {
        "type": "CHART",
        "id": f"CHART-{number}",
        "children": [],
        "parents": [*_IN_GRID, row_id],
        "meta": {
            "chartId": number,
            "uuid": uuid_of("chart", chart.title),
            "sliceName": chart.title,
            "width": chart.width,
            "height": height,
        },
    }
