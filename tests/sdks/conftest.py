"""Real servers, a real worker and a real collector for the real SDKs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from tests.faults.rig import Rig
from tests.faults.workers import wait_until
from tests.sdks.collector import Collector

_HERE = Path(__file__).parent
_INSTALL_SECONDS = 240


@pytest.fixture(scope="session")
def node_modules() -> None:
    """The pinned Node packages beside package.json, installed when that has changed."""
    installed = _HERE / "node_modules" / ".installed-package.json"
    wanted = (_HERE / "package.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        subprocess.run(
            ["npm", "install", "--loglevel=error"], cwd=_HERE, check=True, timeout=_INSTALL_SECONDS
        )
        installed.write_text(wanted)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Kafka, ClickHouse and one worker."""
    own = Rig(tmp_path_factory.mktemp("sdks"))
    try:
        own.begin()
        own.start_worker()
        own.wait_ready()
        yield own
    finally:
        own.stop()


@pytest.fixture(scope="module")
def collector(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    directory = tmp_path_factory.mktemp("collector")
    port, page_port, stranger_port = free_ports(3)
    own = Collector(f"http://{LOOPBACK}:{port}", "key-of-the-shop-1234", "shop", page_port, stranger_port)
    keys = directory / "keys.toml"
    keys.write_text(
        f'[[key]]\nwrite_key = "{own.write_key}"\nsource = "{own.source}"\n'
        f'origins = ["http://{LOOPBACK}:{page_port}"]\n'
    )
    process = spawn(
        [sys.executable, "-m", "streams.cli", "collect", "--port", str(port), "--keys", str(keys)],
        directory / "collector.log",
        {"ENGAGE_KAFKA_BOOTSTRAP": rig.settings.kafka_bootstrap},
    )
    try:
        wait_until(lambda: own.is_ready() or process.poll() is not None, "the collector is not ready")
        assert process.poll() is None, (directory / "collector.log").read_text()
        yield own
    finally:
        terminate([process], 20)
