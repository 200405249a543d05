"""A migrated database on the embedded front, with the clock `event`, empty at the start of each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate
from tests.sql.scenario import empty


@pytest.fixture(scope="session")
def migrated(clickhouse_front: str) -> Settings:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/sql_tests", clock=Clock.EVENT)
    migrate(settings)
    return settings


@pytest.fixture(scope="session")
def session_client(migrated: Settings) -> Iterator[Client]:
    client = connect(migrated)
    yield client
    client.close()


@pytest.fixture
def client(session_client: Client) -> Client:
    """A client of the migrated database, without a row in it."""
    return empty(session_client)
