"""An SDK in a process of its own, which is told what to call."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from tests.sdks.journey import Call

_SENDERS = Path(__file__).with_name("senders")
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


class Sdk(NamedTuple):
    """A public SDK: how `context.library` names it, its sender, and what it runs on."""

    name: str
    library: str
    script: str
    needs: str


SDKS = (
    Sdk("segment-analytics-python", "analytics-python", "segment_python.py", "python"),
    Sdk("rudder-sdk-python", "analytics-python", "rudder_python.py", "python"),
    Sdk("@segment/analytics-node", "@segment/analytics-node", "segment_node.mjs", "node"),
    Sdk("@rudderstack/rudder-sdk-node", "analytics-node", "rudder_node.mjs", "node"),
    Sdk("@segment/analytics-next", "analytics.js", "segment_browser.mjs", "chromium"),
)
BROWSER = SDKS[-1]


def missing(sdk: Sdk) -> str:
    """What this machine lacks to run an SDK; '' if nothing."""
    if sdk.needs != "python" and not (shutil.which("node") and shutil.which("npm")):
        return f"{sdk.name} needs node and npm"
    if sdk.needs == "chromium" and not _chromium():
        return f"{sdk.name} needs Chromium (apt-get install chromium)"
    return ""


def _chromium() -> str:
    return next((path for path in map(shutil.which, _CHROMIUM) if path), "")


class Sender:
    """A running SDK. `calls` holds what it was told, `ids` the message ids that it gave, by number."""

    def __init__(self, sdk: Sdk, url: str, write_key: str, page_port: int, directory: Path) -> None:
        runtime = sys.executable if sdk.needs == "python" else "node"
        command = [runtime, str(_SENDERS / sdk.script), url, write_key]
        if sdk.needs == "chromium":
            command += [str(page_port), _chromium()]
        self.sdk = sdk
        self.calls: list[Call] = []
        self.ids: dict[int, str] = {}
        self.blocked = threading.Event()
        self._log = directory / f"{sdk.script}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def send(self, calls: list[Call]) -> None:
        """Have the SDK make these calls; it does not wait for their delivery."""
        assert self._process.stdin is not None
        self.calls += calls
        for call in calls:
            self._process.stdin.write(json.dumps(call.message) + "\n")
        self._process.stdin.flush()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def finish(self) -> None:
        """Close the SDK as its documentation says; it must have delivered everything."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        status = self._process.wait(timeout=120)
        self._reader.join()
        assert status == 0, self.log()

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            if not pipe.closed:
                pipe.close()

    def log(self) -> str:
        return f"{self.sdk.name}:\n{self._log.read_text()[-4000:]}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._take(json.loads(line))

    def _take(self, told: dict[str, Any]) -> None:
        if "blocked" in told:
            self.blocked.set()
        else:
            self.ids[told["call"]] = told["message_id"]
