"""What the browser plays on: everything on this machine, with ten weeks of history in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from streams.embedded.child_process import spawn, terminate
from streams.producer import EngagementProducer
from tests.browser.history import history
from tests.e2e.stack import Stack, running

HERE = Path(__file__).parent
_INSTALL_SECONDS = 240


def missing() -> str:
    """What this machine lacks for driving a browser; '' for nothing."""
    lacking = [name for name in ("node", "npm") if shutil.which(name) is None]
    if chromium() is None:
        lacking.append("chromium")
    return ", ".join(lacking)


def chromium() -> str | None:
    """Debian's, or the one that CHROMIUM names."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def install_packages() -> None:
    """The pinned Node packages beside package.json, when that has changed."""
    installed = HERE / "node_modules" / ".installed-package.json"
    wanted = (HERE / "package.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        command = ["npm", "install", "--no-package-lock", "--loglevel=error"]
        subprocess.run(command, cwd=HERE, check=True, timeout=_INSTALL_SECONDS)
        installed.write_text(wanted)


@contextmanager
def stage(directory: Path) -> Iterator[Stack]:
    """Servers, a worker and the live page, all of the history visible."""
    with running(directory, with_dashboard=True) as stack:
        with EngagementProducer(stack.settings.kafka_bootstrap) as producer:
            for event in history(seed=1, end=datetime.now(timezone.utc)):
                producer.send(event)
        stack.drain()
        yield stack


def environment(stack: Stack) -> dict[str, str]:
    """What scripts in Node find in `process.env`."""
    return {
        "DASHBOARD": stack.ready["dashboard"],
        "CLICKHOUSE": stack.settings.clickhouse_url,
        "ENGAGE_KAFKA_BOOTSTRAP": stack.settings.kafka_bootstrap,
        "ENGAGE_CLICKHOUSE_URL": stack.settings.clickhouse_url,
        "PYTHON": sys.executable,
        "CHROMIUM": chromium() or "",
    }


@contextmanager
def traffic(stack: Stack, directory: Path, rate: float) -> Iterator[None]:
    """Made-up visitors, so many events per second, until the block ends."""
    command = [sys.executable, "-m", "streams.cli", "generate", "--rate", str(rate)]
    process = spawn(command, directory / "traffic.log", environment(stack))
    try:
        yield
    finally:
        terminate([process], 20)
