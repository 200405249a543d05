"""Superset's database and datasets: one per view, its columns described by the view's own comments."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from deploy.superset.identity import VERSION, uuid_of
from deploy.superset.views import Column, View

DATABASE: Final = "Engagement Streams"
#: Where the product runs on one machine; `--uri` names another place.
DEFAULT_URI: Final = "clickhousedb://bi_reader@127.0.0.1:8123/engagement"


class Calculated(NamedTuple):
    """A column that the view does not have."""

    column: Column
    expression: str


CALCULATED: Final = {
    "v_customer_360": (
        Calculated(
            Column("score_from", "Int32", "Engagement score, cut off to tens: 0, 10, … 90"),
            "toInt32(least(floor(score / 10), 9)) * 10",
        ),
    ),
}


def database_file(uri: str) -> dict[str, Any]:
    """The database as Superset imports it; a password is asked for if `uri` has XXXXXXXXXX in its place."""
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": uri,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": uuid_of("database", DATABASE),
        "version": VERSION,
    }


def dataset_file(view: View) -> dict[str, Any]:
    """The view as Superset imports it."""
    calculated = [
        {**_column(one.column), "expression": one.expression} for one in CALCULATED.get(view.name, ())
    ]
    return {
        "table_name": view.name,
        "description": view.comment,
        "main_dttm_col": next((column.name for column in view.columns if column.is_temporal), None),
        "schema": None,
        "sql": None,
        "columns": [_column(column) for column in view.columns] + calculated,
        "metrics": [{"metric_name": "count", "verbose_name": "rows", "expression": "count()"}],
        "uuid": uuid_of("dataset", view.name),
        "database_uuid": uuid_of("database", DATABASE),
        "version": VERSION,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "column_name": column.name,
        "description": column.comment,
        "type": column.type,
        "is_dttm": column.is_temporal,
        "is_active": True,
        "groupby": True,
        "filterable": True,
        "expression": None,
    }
