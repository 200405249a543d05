"""One collector on a real Kafka for the tests that need one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.collector.rig import Running, collector, delete_topics, make_topics


@pytest.fixture(scope="module")
def running(kafka_broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A collector; the topics are made anew and gone behind it, as other tests use the same broker."""
    make_topics(kafka_broker)
    with collector(kafka_broker, tmp_path_factory.mktemp("collector")) as running:
        yield running
    delete_topics(kafka_broker)


@pytest.fixture
async def http(running: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(running.url) as session:
        yield session
