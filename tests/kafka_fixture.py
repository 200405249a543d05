"""pytest plugin: `kafka_broker`, one real Kafka for the whole session (`host:port`).

Loaded through `pytest_plugins`; nothing starts before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.embedded import kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of an empty broker; topics are the test's to create, under names of its own."""
    directory = tmp_path_factory.mktemp("kafka")
    port, controller_port = free_ports(2)
    process = spawn(kafka.prepare(directory / "data", port, controller_port), directory / "kafka.log")
    try:
        kafka.wait_until_ready(port, timeout_seconds=60)
        yield f"{LOOPBACK}:{port}"
    finally:
        terminate([process], grace_seconds=10)
