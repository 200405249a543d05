"""A log to measure lag in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ops.lag_rig import Log, lag_log


@pytest.fixture
def log(kafka_broker: str) -> Iterator[Log]:
    with lag_log(kafka_broker) as log:
        yield log
