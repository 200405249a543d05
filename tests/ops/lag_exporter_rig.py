"""`engage lag-exporter` as a process, and what it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from streams.config import Settings
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports

_SECONDS = 60.0


class Answer(NamedTuple):
    status: int
    body: str


class Scrape:
    """What /metrics has said: samples by name and label values."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }
        self.names = {name for name, _ in self._samples}

    def value(self, name: str, **labels: Any) -> float:
        return self._samples[name, frozenset((key, str(text)) for key, text in labels.items())]


class Exporter:
    """A running exporter."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url = url
        self.process = process
        self._log = log

    def get(self, path: str) -> Answer:
        """Status 0: nobody listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())
        except OSError as error:
            return Answer(0, str(error))

    def scrape(self) -> Scrape:
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        return Scrape(answer.body)

    def until(self, holds: Callable[[Scrape], bool]) -> Scrape:
        """Scrape until something holds."""
        return self._until(self.scrape, holds)

    def until_answers(self, path: str, status: int) -> Answer:
        return self._until(lambda: self.get(path), lambda answer: answer.status == status)

    def _until(self, look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + _SECONDS
        while not holds(seen := look()):
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, f"{seen}\n{self._log.read_text()}"
            time.sleep(0.05)
        return seen

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]


@contextmanager
def lag_exporter(
    settings: Settings, directory: Path, *options: str, port: int | None = None
) -> Iterator[Exporter]:
    """On a free port unless one is given, until the block ends; rows every second."""
    port = port or free_ports(1)[0]
    command = [sys.executable, "-m", "streams.cli", "lag-exporter", "--port", str(port), *options]
    log = directory / "lag-exporter.log"
    environment = {
        "ENGAGE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ENGAGE_CLICKHOUSE_URL": settings.clickhouse_url,
        "ENGAGE_GROUP_ID": settings.group_id,
        "ENGAGE_LAG_INTERVAL_SECONDS": "1",
        "ENGAGE_LOG_FORMAT": "json",
    }
    process = spawn(command, log, environment)
    exporter = Exporter(f"http://{LOOPBACK}:{port}", process, log)
    try:
        exporter.until_answers("/livez", 200)
        yield exporter
    finally:
        terminate([process], grace_seconds=30)
