"""ENGAGE_CLICKHOUSE_CLUSTER: what is asked for the cluster reaches ClickHouse."""

from __future__ import annotations

import pytest

from streams.clickhouse import connect
from streams.cluster_ddl import CLUSTER_SETTINGS
from streams.config import Settings
from streams.errors import MigrationError
from streams.migrations import migrate


@pytest.fixture
def settings(clickhouse_front: str) -> Settings:
    return Settings(clickhouse_url=f"{clickhouse_front}/default", clickhouse_cluster="main")


@pytest.mark.parametrize("name", CLUSTER_SETTINGS)
def test_every_request_has_the_settings_of_a_cluster(settings: Settings, name: str) -> None:
    client = connect(settings)

    query = "SELECT value FROM system.settings WHERE name = {name:String}"
    ((value,),) = client.query(query, parameters={"name": name}).result_rows

    assert value == str(CLUSTER_SETTINGS[name])
    client.close()


def test_a_cluster_that_is_not_there_is_named_in_one_line(settings: Settings) -> None:
    elsewhere = settings.model_copy(
        update={"clickhouse_url": settings.clickhouse_url.replace("default", "other")}
    )

    with pytest.raises(MigrationError, match="Cannot create database other: ") as error:
        migrate(elsewhere)

    assert "\n" not in str(error.value)
