"""Superset's charts from a few words each. Pure: values in, dicts out, the same every time.

A chart is stored twice in Superset: as `params`, from which the browser draws, and as `query_context`, from
which its API and reports ask for data. Both come from the same words here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from deploy.superset.identity import VERSION, uuid_of
from deploy.superset.views import Column, View

_ROWS: Final = 10_000


class Kind(str, Enum):
    """Superset's chart types that are in use."""

    NUMBER = "big_number_total"
    LINES = "echarts_timeseries_line"
    BARS = "echarts_timeseries_bar"
    PIE = "pie"
    HEATMAP = "heatmap_v2"
    TABLE = "table"


class Measure(NamedTuple):
    """An aggregate, as ClickHouse computes it."""

    label: str
    sql: str


class Filter(NamedTuple):
    """`operator` is Superset's: ==, !=, >, >=, <, <=."""

    column: str
    operator: str
    value: str | int


class Chart(NamedTuple):
    """One chart.

    Args:
        description: what it tells, shown behind the chart's (i).
        view: where it reads.
        measures: what it draws; none for a TABLE.
        by: the column of the x-axis, of a PIE's pieces; none for a NUMBER or a TABLE.
        split: the column that names the series, or a HEATMAP's y-axis.
        grain: an ISO 8601 duration, such as P1D, to which times on the x-axis are cut off.
        columns: of a TABLE, from left to right.
        order: of a TABLE, column by column; True is ascending.
        is_categorical: each number on the x-axis is a name, and gets a bar of its own.
        bounds: of a HEATMAP, the values that have the lightest and the darkest colour.
        number_format: in D3's language.
        width: of 12 columns.
    """

    title: str
    kind: Kind
    view: str
    description: str
    measures: Sequence[Measure] = ()
    by: str = ""
    split: str = ""
    grain: str | None = None
    columns: Sequence[str] = ()
    order: Sequence[tuple[str, bool]] = ()
    filters: Sequence[Filter] = ()
    stacked: bool = False
    is_categorical: bool = False
    bounds: tuple[float | None, float | None] = (None, None)
    number_format: str = ",d"
    limit: int = _ROWS
    width: int = 6


def chart_file(chart: Chart, source: View) -> dict[str, Any]:
    """The chart as Superset imports it; `source` is the view that it reads."""
    params = _params(chart)
    if chart.kind is Kind.TABLE:
        params["column_config"] = {
            column.name: column_format
            for column in source.columns
            if column.name in chart.columns and (column_format := _column_format(column))
        }
    return {
        "slice_name": chart.title,
        "description": chart.description,
        "viz_type": chart.kind.value,
        "params": params,
        "query_context": json.dumps(_query_context(chart, params)),
        "cache_timeout": None,
        "uuid": uuid_of("chart", chart.title),
        "version": VERSION,
        "dataset_uuid": uuid_of("dataset", chart.view),
    }


def _params(chart: Chart) -> dict[str, Any]:
    return {
        "viz_type": chart.kind.value,
        "adhoc_filters": [_adhoc_filter(one) for one in chart.filters],
        "row_limit": chart.limit,
        **_OWN_PARAMS[chart.kind](chart),
    }


def _number(chart: Chart) -> dict[str, Any]:
    return {"metric": _metric(chart.measures[0]), "y_axis_format": chart.number_format}


def _over_axis(chart: Chart) -> dict[str, Any]:
    return {
        "x_axis": chart.by,
        "time_grain_sqla": chart.grain,
        "metrics": [_metric(measure) for measure in chart.measures],
        "groupby": [chart.split] if chart.split else [],
        "stack": "Stack" if chart.stacked else None,
        "y_axis_format": chart.number_format,
        "show_legend": len(chart.measures) > 1 or bool(chart.split),
        "rich_tooltip": True,
        "truncate_metric": True,
        "x_axis_sort_asc": True,
        "x_axis_time_format": "%H:%M" if chart.grain == "PT1M" else "%Y-%m-%d",
        "xAxisForceCategorical": chart.is_categorical,
    }


def _pie(chart: Chart) -> dict[str, Any]:
    return {
        "metric": _metric(chart.measures[0]),
        "groupby": [chart.by],
        "number_format": chart.number_format,
        "label_type": "key_value",
        "donut": True,
        "show_labels": True,
        "show_legend": False,
    }


def _heatmap(chart: Chart) -> dict[str, Any]:
    return {
        "metric": _metric(chart.measures[0]),
        "x_axis": chart.by,
        "groupby": chart.split,
        "y_axis_format": chart.number_format,
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "normalize_across": "heatmap",
        "linear_color_scheme": "schemeBlues",
        "value_bounds": list(chart.bounds),
        # Of both axes.
        "x_axis_time_format": "%Y-%m",
        "show_values": True,
        "show_legend": True,
    }


def _table(chart: Chart) -> dict[str, Any]:
    return {
        "query_mode": "raw",
        "all_columns": list(chart.columns),
        "order_by_cols": [json.dumps(list(one)) for one in chart.order],
        "server_page_length": 25,
    }


_OWN_PARAMS: Final = {
    Kind.NUMBER: _number,
    Kind.LINES: _over_axis,
    Kind.BARS: _over_axis,
    Kind.PIE: _pie,
    Kind.HEATMAP: _heatmap,
    Kind.TABLE: _table,
}


def _column_format(column: Column) -> dict[str, str]:
    """How a table shows a column, by its type, in D3's languages."""
    if "Float" in column.type:
        return {"d3NumberFormat": ",.2~f"}
    if column.is_temporal:
        return {"d3TimeFormat": "%Y-%m-%d %H:%M" if "Time" in column.type else "%Y-%m-%d"}
    return {}


def _metric(measure: Measure) -> dict[str, Any]:
    return {
        "expressionType": "SQL",
        "sqlExpression": measure.sql,
        "label": measure.label,
        "hasCustomLabel": True,
        "optionName": f"metric_{measure.label.replace(' ', '_')}",
    }


def _adhoc_filter(one: Filter) -> dict[str, Any]:
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": one.column,
        "operator": one.operator,
        "comparator": one.value,
        "filterOptionName": f"filter_{one.column}",
    }


def _query_context(chart: Chart, params: dict[str, Any]) -> dict[str, Any]:
    """Superset puts its own number of the dataset in the place of 0 when it imports."""
    query = {
        "columns": _dimensions(chart),
        # Even an empty list would make groups of equal rows.
        "metrics": [_metric(measure) for measure in chart.measures] or None,
        "filters": [{"col": one.column, "op": one.operator, "val": one.value} for one in chart.filters],
        "orderby": [list(one) for one in chart.order],
        "row_limit": chart.limit,
        "extras": {"having": "", "where": ""},
    }
    return {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "form_data": params,
        "queries": [query],
        "result_format": "json",
        "result_type": "full",
    }


def _dimensions(chart: Chart) -> list[Any]:
    if chart.kind is Kind.TABLE:
        return list(chart.columns)
    by: Any = chart.by
    if chart.grain is not None:
        by = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "label": chart.by,
            "sqlExpression": chart.by,
            "timeGrain": chart.grain,
        }
    return [one for one in (by, chart.split) if one]
