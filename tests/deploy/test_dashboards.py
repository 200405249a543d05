"""The dashboards are what the code says, go to data sources that are there, and ask what can be answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from clickhouse_connect.driver.client import Client

from deploy.grafana.__main__ import files
from streams.clickhouse import connect
from streams.config import Settings
from tests.deploy.a_database import NEWEST
from tests.deploy.alert_rules import unknown_names
from tests.deploy.dashboards import DASHBOARDS, GRAFANA, PROMQL, SQL, Asked, panels
from tests.deploy.promtool import needs_prometheus, promtool


def provisioned(kind: str) -> Any:
    return yaml.safe_load((GRAFANA / "provisioning" / kind / "engagement.yml").read_text())


@pytest.fixture(scope="module")
def reader(filled: Settings) -> Iterator[Client]:
    """As the provisioned data source signs in."""
    source = provisioned("datasources")["datasources"][1]
    client = connect(filled.model_copy(update={"clickhouse_user": source["jsonData"]["username"]}))
    yield client
    client.close()


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_a_dashboard_on_disk_is_the_one_that_the_code_makes(path: Path) -> None:
    assert path.read_text() == files()[path], "run `make dashboards`"


def test_no_other_dashboards_are_on_disk() -> None:
    assert set(DASHBOARDS) == {path.stem for path in files()}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_say_what_they_tell_and_do_not_overlap(name: str) -> None:
    taken = set()
    for panel in DASHBOARDS[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells

    assert all(panel["description"] for panel in panels(name))
    numbers = [panel["id"] for panel in DASHBOARDS[name]["panels"]]
    assert len(numbers) == len(set(numbers))


def test_every_query_goes_to_a_data_source_that_is_provisioned() -> None:
    sources = {(source["type"], source["uid"]) for source in provisioned("datasources")["datasources"]}
    asked = {tuple(query.target["datasource"].values()) for query in [*PROMQL, *SQL]}

    assert asked == sources


def test_passwords_come_from_the_environment() -> None:
    (password,) = (
        source["secureJsonData"]["password"]
        for source in provisioned("datasources")["datasources"]
        if "secureJsonData" in source
    )
    assert password == "${ENGAGE_BI_READER_PASSWORD}"


@pytest.mark.parametrize("query", PROMQL, ids=str)
def test_a_panel_is_about_metrics_that_are_served(query: Asked) -> None:
    assert unknown_names(query.promql()) == set()


@needs_prometheus
def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    """As recording rules, which promtool can read. test_alerts_fire.py has them answered."""
    rules = [{"record": f"panel:{number}", "expr": query.promql()} for number, query in enumerate(PROMQL)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    checked = promtool("check", "rules", file)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(PROMQL)} rules found" in checked.stdout


@pytest.mark.parametrize("query", SQL, ids=str)
def test_clickhouse_answers_every_query_of_the_reader(query: Asked, reader: Client) -> None:
    """With rows: a condition that nothing can meet would be an empty panel for ever."""
    found = reader.query(query.sql(NEWEST + timedelta(seconds=1)))

    assert found.result_rows
    if query.panel["type"] == "timeseries":
        assert found.column_names[0] == "time"
        assert "DateTime" in found.column_types[0].name
