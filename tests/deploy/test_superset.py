"""Superset's import files are what the code says, hang together, and ask what can be answered.

tests/superset has Superset itself import them.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from clickhouse_connect.driver.client import Client

from deploy.superset.bundle import files, write_zip
from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate
from tests.deploy.superset_files import (
    CHARTS,
    DASHBOARD,
    DATABASE,
    DATASET_OF,
    DATASETS,
    SOURCES,
    columns,
    query,
    sql,
)
from tests.sql.half_a_year import fill


@pytest.fixture(scope="module")
def settings(clickhouse_front: str) -> Settings:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/superset", clock=Clock.EVENT)
    migrate(settings)
    return settings


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Client]:
    client = connect(settings)
    fill(client)
    yield client
    client.close()


@pytest.fixture(scope="module")
def reader(settings: Settings, owner: Client) -> Iterator[Client]:
    client = connect(settings.model_copy(update={"clickhouse_user": "bi_reader"}))
    yield client
    client.close()


def placed() -> list[dict[str, Any]]:
    """The charts on the dashboard."""
    return [
        part for part in DASHBOARD["position"].values() if isinstance(part, dict) and part["type"] == "CHART"
    ]


def test_the_files_on_disk_are_those_that_the_code_makes() -> None:
    on_disk = {path.relative_to(SOURCES).as_posix(): path.read_text() for path in SOURCES.rglob("*.yaml")}

    assert on_disk == files(), "run `make superset`"


def test_the_zip_has_them_all_below_one_directory(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip")
    write_zip(tmp_path / "b.zip")

    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        found = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert found == {f"engagement-streams/{path}": text for path, text in files().items()}
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_another_address_of_clickhouse_goes_into_the_database_and_nowhere_else() -> None:
    usual, other = files(), files("clickhousedb://bi_reader:XXXXXXXXXX@clickhouse:8443/shop?secure=true")

    changed = [path for path in usual if usual[path] != other[path]]
    assert changed == ["databases/engagement_streams.yaml"]
    assert "clickhouse:8443/shop" in yaml.safe_load(other[changed[0]])["sqlalchemy_uri"]


def test_ids_are_unique_and_lead_somewhere() -> None:
    ids = [one["uuid"] for one in [*CHARTS.values(), *DATASETS.values(), DATABASE, DASHBOARD]]

    assert len(ids) == len(set(ids))
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {DATABASE["uuid"]}
    assert {dataset["table_name"] for dataset in DATASET_OF.values()} == set(DATASETS)


def test_every_chart_is_on_the_dashboard_once() -> None:
    shown = sorted((part["meta"]["sliceName"], part["meta"]["uuid"]) for part in placed())

    assert shown == sorted((title, chart["uuid"]) for title, chart in CHARTS.items())
    assert len({part["meta"]["chartId"] for part in placed()}) == len(CHARTS)


def test_the_parts_of_the_dashboard_know_each_other_and_rows_are_full() -> None:
    parts = {key: part for key, part in DASHBOARD["position"].items() if isinstance(part, dict)}

    for key, part in parts.items():
        assert part["id"] == key
        assert all(parts[child]["parents"][-1] == key for child in part.get("children", ()))
        if part["type"] == "ROW":
            assert sum(parts[child]["meta"]["width"] for child in part["children"]) == 12
    assert all(parts[part["parents"][-1]] for part in parts.values() if "parents" in part)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_the_view_with_its_comments(name: str, owner: Client) -> None:
    of_view = owner.query(
        "SELECT name, type, comment FROM system.columns"
        " WHERE database = currentDatabase() AND table = {view:String} ORDER BY position",
        parameters={"view": name},
    ).result_rows
    ((comment,),) = owner.query(
        "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = {view:String}",
        parameters={"view": name},
    ).result_rows

    dataset = DATASETS[name]
    own = [column for column in dataset["columns"] if not column["expression"]]
    assert [(c["column_name"], c["type"], c["description"]) for c in own] == [tuple(row) for row in of_view]
    assert [c["column_name"] for c in own if c["is_dttm"]] == [
        n for n, type_, _ in of_view if "Date" in type_
    ]
    assert dataset["description"] == comment


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_names_columns_of_its_dataset_and_says_what_it_tells(title: str) -> None:
    known = {column["column_name"] for column in DATASET_OF[title]["columns"]}

    assert columns(title) <= known
    assert CHARTS[title]["description"].endswith(".")


@pytest.mark.parametrize("title", CHARTS)
def test_a_chart_asks_by_api_for_what_it_draws(title: str) -> None:
    params, asked = CHARTS[title]["params"], query(title)
    drawn = params.get("metrics") or [params["metric"]] if "all_columns" not in params else None

    assert json.loads(CHARTS[title]["query_context"])["form_data"] == params
    assert asked["metrics"] == drawn
    assert [f["subject"] for f in params["adhoc_filters"]] == [f["col"] for f in asked["filters"]]


@pytest.mark.parametrize("title", CHARTS)
def test_clickhouse_answers_every_chart_of_the_reader(title: str, reader: Client) -> None:
    """With rows: a condition that nothing can meet would be an empty chart for ever."""
    assert reader.query(sql(title)).result_rows


@pytest.mark.parametrize("view", ["v_retention_period", "v_retention_cohort"])
def test_a_view_that_computes_much_is_asked_for_one_grain_and_basis(view: str) -> None:
    asked = [
        query(title)["filters"] for title, dataset in DATASET_OF.items() if dataset["table_name"] == view
    ]

    assert asked
    assert all({"grain", "basis"} <= {one["col"] for one in filters} for filters in asked)
