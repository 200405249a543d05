"""A real Prometheus on this machine, with the alerts of deploy/prometheus, twenty times as fast."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from tests.deploy.alert_rules import PROMETHEUS, RULES_TEXT

#: Three seconds here are a minute in rules.yml.
SPEED: Final = 20
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_START_SECONDS: Final = 30.0
_FIRE_SECONDS: Final = 90.0


def hurried(rules: str) -> dict[str, Any]:
    """The same rules with shorter times: `for`, ranges `[5m]`, and limits of lag in seconds."""
    text = re.sub(r"(?<=for: )\w+|(?<=\[)\w+(?=\])", lambda found: _shorter(found[0]), rules)
    text = re.sub(r"(lag_seconds\)? > )(\d+)", lambda found: f"{found[1]}{int(found[2]) / SPEED:g}", text)
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def _shorter(duration: str) -> str:
    return f"{int(duration[:-1]) * _UNITS[duration[-1]] * 1000 // SPEED}ms"


class Prometheus:
    """A running one."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._url = url
        self._process = process
        self._log = log

    def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of the API."""
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series that an expression has now."""
        found: list[dict[str, Any]] = self.get("query", query=expr)["result"]
        return found

    def firing(self) -> dict[str, dict[str, str]]:
        """Of each alert that fires the text that somebody would get."""
        return {
            alert["labels"]["alertname"]: alert["annotations"]
            for alert in self.get("alerts")["alerts"]
            if alert["state"] == "firing"
        }

    def until_firing(self, *names: str) -> dict[str, dict[str, str]]:
        """Prometheus has no event to wait for."""
        return self._until(lambda firing: set(names) <= set(firing), f"{names} do not fire")

    def until_quiet(self) -> None:
        """Until no alert fires."""
        self._until(lambda firing: not firing, "alerts still fire")

    def until_scraped(self, series: int) -> None:
        """Until so many targets have been reached."""
        self._poll(
            lambda: self.query("up == 1"), lambda found: len(found) == series, "not scraped", _START_SECONDS
        )

    def _until(self, holds: Callable[[dict[str, dict[str, str]]], bool], otherwise: str) -> Any:
        return self._poll(self.firing, holds, otherwise, _FIRE_SECONDS)

    def _poll(
        self, look: Callable[[], Any], holds: Callable[[Any], bool], otherwise: str, seconds: float
    ) -> Any:
        deadline = time.monotonic() + seconds
        while not holds(found := look()):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, f"{otherwise}: {found}; {self._readings()}"
            time.sleep(0.2)
        return found

    def _readings(self) -> dict[str, Any]:
        """What the rules look at, for the output of a test that fails."""
        names = ("up", "kafka_consumergroup_group_max_lag_seconds", "engagement_worker_insert_retries_total")
        return {name: [(row["metric"], row["value"]) for row in self.query(name)] for name in names}


@contextmanager
def prometheus(directory: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    """Scrape `targets`, an address by job, every second, until the block ends."""
    (port,) = free_ports(1)
    (directory / "rules.yml").write_text(yaml.safe_dump(hurried(RULES_TEXT)))
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(_config(targets)))
    log = directory / "prometheus.log"
    process = spawn(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
        ],
        log,
    )
    try:
        _wait_until_ready(f"http://{LOOPBACK}:{port}", process, log)
        yield Prometheus(f"http://{LOOPBACK}:{port}", process, log)
    finally:
        terminate([process], grace_seconds=20)


def _config(targets: Mapping[str, str]) -> dict[str, Any]:
    """The configuration for one machine, with other addresses and times."""
    config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.one-machine.yml").read_text())
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": config["rule_files"],
        "scrape_configs": [
            {"job_name": job["job_name"], "static_configs": [{"targets": [targets[job["job_name"]]]}]}
            for job in config["scrape_configs"]
            if job["job_name"] in targets
        ],
    }


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=5).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return
