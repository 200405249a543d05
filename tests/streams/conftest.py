"""A worker to test, and hypothesis without deadlines: the machine may be busy, and no test is about time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from streams.sinks.memory import MemorySink
from streams.state_store import StateStore
from tests.streams.fakes import FakeWorker
from tests.streams.scene import Scene, Start, database

settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def sink() -> MemorySink:
    return database()


@pytest.fixture
async def start(scene: Scene, sink: MemorySink, tmp_path: Path) -> AsyncIterator[Start]:
    """Start a worker that has joined, on the disk of this name; what still runs in the end is stopped."""
    disks: dict[str, StateStore] = {}
    workers = []

    def start(disk: str = "disk", **changes: Any) -> FakeWorker:
        if disk not in disks:
            disks[disk] = StateStore(tmp_path / disk, block_cache_mib=8)
        workers.append(FakeWorker(scene.kafka, sink, disks[disk], **changes))
        workers[-1].join()
        return workers[-1]

    yield start
    for worker in workers:
        await worker.stop()
    for store in disks.values():
        store.close()
