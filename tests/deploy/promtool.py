"""promtool, from Debian's package `prometheus`; tests that need it say that they skip where it is absent."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("promtool") and shutil.which("prometheus")),
    reason="prometheus and promtool are not installed (apt-get install prometheus)",
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it; what it says is in `stdout` and `stderr`."""
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)
