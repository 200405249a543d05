"""Grafana's dashboard JSON from a few words per panel. Pure: values in, a dict out, the same every time.

Written by hand rather than with Grafana's SDK: that one has no ClickHouse queries, and a version per Grafana.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

#: As in provisioning/datasources.
PROMETHEUS: Final = {"type": "prometheus", "uid": "engagement-prometheus"}
CLICKHOUSE: Final = {"type": "grafana-clickhouse-datasource", "uid": "engagement-clickhouse"}

_GRID_COLUMNS: Final = 24
#: The dashboard model of Grafana 11; newer ones read it.
_SCHEMA_VERSION: Final = 39


class Kind(str, Enum):
    """Grafana's panel types that are in use."""

    LINES = "timeseries"
    STAT = "stat"
    BARS = "barchart"
    PIE = "piechart"
    TABLE = "table"


class Promql(NamedTuple):
    """A query of Prometheus; `legend` names its series, with labels as `{{label}}`."""

    expr: str
    legend: str


class Sql(NamedTuple):
    """A query of ClickHouse over `v_…`.

    For LINES the first column is `time`; text columns behind it name the series.
    """

    text: str


class Panel(NamedTuple):
    """One panel.

    Args:
        description: what it tells, shown behind the panel's (i).
        queries: all of one data source.
        unit: Grafana's name of a unit, such as s, bytes, percent, reqps.
        width: of 24 columns.
        red_from: values from here on are red, those below green.
        red_below: values below are red, the others green; not together with `red_from`.
        stacked: LINES as stacked areas.
        time_from: looks so far back whatever the dashboard shows, such as 365d.
    """

    title: str
    kind: Kind
    description: str
    queries: Sequence[Promql | Sql]
    unit: str = "short"
    width: int = 8
    red_from: float | None = None
    red_below: float | None = None
    stacked: bool = False
    time_from: str | None = None


class Section(NamedTuple):
    """Panels of one height, in rows from left to right, under a title."""

    title: str
    panels: Sequence[Panel]
    height: int = 8


def dashboard(
    uid: str, title: str, sections: Iterable[Section], *, past: str, refresh: str
) -> dict[str, Any]:
    """A dashboard that shows the last `past` (such as 6h) and looks again every `refresh`."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["engagement-streams"],
        "timezone": "utc",
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": f"now-{past}", "to": "now"},
        "refresh": refresh,
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": [{"id": number, **panel} for number, panel in enumerate(_laid_out(sections), 1)],
    }


def _laid_out(sections: Iterable[Section]) -> Iterator[dict[str, Any]]:
    y = 0
    for section in sections:
        place = {"h": 1, "w": _GRID_COLUMNS, "x": 0, "y": y}
        yield {"type": "row", "title": section.title, "collapsed": False, "panels": [], "gridPos": place}
        x, y = 0, y + 1
        for panel in section.panels:
            if x + panel.width > _GRID_COLUMNS:
                x, y = 0, y + section.height
            yield _panel(panel, {"h": section.height, "w": panel.width, "x": x, "y": y})
            x += panel.width
        y += section.height


def _panel(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [_target(query, chr(ord("A") + number), panel) for number, query in enumerate(panel.queries)]
    body = {
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": targets[0]["datasource"],
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }
    return body if panel.time_from is None else {**body, "timeFrom": panel.time_from}


def _target(query: Promql | Sql, ref: str, panel: Panel) -> dict[str, Any]:
    if isinstance(query, Promql):
        instant = panel.kind is not Kind.LINES
        return {
            "refId": ref,
            "datasource": PROMETHEUS,
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
        }
    over_time = panel.kind is Kind.LINES
    return {
        "refId": ref,
        "datasource": CLICKHOUSE,
        "editorType": "sql",
        "queryType": "timeseries" if over_time else "table",
        "format": 0 if over_time else 1,
        "rawSql": query.text,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "custom": {}}
    if panel.red_from is not None:
        defaults["thresholds"] = _steps("green", "red", panel.red_from)
    elif panel.red_below is not None:
        defaults["thresholds"] = _steps("red", "green", panel.red_below)
    if panel.kind is Kind.LINES:
        limited = "thresholds" in defaults
        defaults["custom"] = {
            "fillOpacity": 25 if panel.stacked else 5,
            "showPoints": "auto",
            "stacking": {"mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "line" if limited else "off"},
        }
    return defaults


def _steps(below: str, above: str, limit: float) -> dict[str, Any]:
    return {
        "mode": "absolute",
        "steps": [{"color": below, "value": None}, {"color": above, "value": limit}],
    }


def _options(panel: Panel) -> dict[str, Any]:
    latest = {"calcs": ["lastNotNull"], "values": False, "fields": ""}
    if panel.kind is Kind.LINES:
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if panel.kind is Kind.STAT:
        return {"reduceOptions": latest, "colorMode": "background", "graphMode": "none"}
    if panel.kind is Kind.PIE:
        every_row = {**latest, "values": True}
        return {"reduceOptions": every_row, "pieType": "donut", "legend": {"values": ["value", "percent"]}}
    return {}
