"""A migrated database for the queries of dashboards and of the runbook; what Kubernetes is given."""

from __future__ import annotations

import pytest

from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate
from tests.deploy.a_database import fill
from tests.deploy.manifests import BUILDS, Resource, build


@pytest.fixture(scope="session")
def filled(clickhouse_front: str) -> Settings:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/dashboards", clock=Clock.EVENT)
    migrate(settings)
    client = connect(settings)
    fill(client)
    client.close()
    return settings


@pytest.fixture(scope="session", params=BUILDS)
def resources(request: pytest.FixtureRequest) -> list[Resource]:
    return build(request.param)
