"""The image's health check, as a process, against real answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "docker" / "healthy.py"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def check(url: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HEALTH_URL": url}
    return subprocess.run(
        [sys.executable, SCRIPT], env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_what_answers_is_healthy(address: str) -> None:
    assert check(f"{address}/livez").returncode == 0


def test_what_says_that_it_is_not_ready_is_not_healthy(address: str) -> None:
    found = check(f"{address}/readyz")

    assert (found.returncode, found.stderr) == (1, f"{address}/readyz: HTTP Error 503: Service Unavailable\n")


def test_what_does_not_answer_is_not_healthy_in_one_line(address: str) -> None:
    found = check("http://127.0.0.1:9/livez")

    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
