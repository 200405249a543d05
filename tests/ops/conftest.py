"""A log to measure lag in, and a migrated database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.config import Settings
from streams.migrations import migrate
from tests.ops.lag_rig import Log, lag_log


@pytest.fixture
def log(kafka_broker: str) -> Iterator[Log]:
    with lag_log(kafka_broker) as log:
        yield log


@pytest.fixture(scope="module")
def migrated(clickhouse_front: str, request: pytest.FixtureRequest) -> Settings:
    """A database of the test module's own, with the built-in rules in force."""
    settings = Settings(clickhouse_url=f"{clickhouse_front}/{request.module.__name__.split('.')[-1]}")
    migrate(settings)
    return settings
