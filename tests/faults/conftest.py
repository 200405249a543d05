from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.rig import Rig


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("faults"))
    yield rig
    rig.stop()


@pytest.fixture
def rig(servers: Rig) -> Iterator[Rig]:
    """Running servers with empty topics, an empty database and no worker."""
    servers.begin()
    yield servers
    servers.stop_workers()
