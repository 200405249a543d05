"""The live page in a real browser, against everything that `engage up` runs.

Each file in `cases/` is one test here. `make test-browser` shows what it says.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.producer import EngagementProducer, new_event
from tests.browser.stage import HERE, environment, install_packages, missing, stage, traffic
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=f"missing: {missing()}"),
]
#: The first ones compare numbers, so nobody may send anything meanwhile.
QUIET = ("numbers", "links", "safety", "accessibility", "screenshots")
_CASES_SECONDS = 400


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    install_packages()
    with stage(tmp_path_factory.mktemp("browser")) as stack:
        yield stack


@pytest.mark.parametrize("name", QUIET)
def test_the_page_is_right(played: Stack, name: str) -> None:
    keep_visitors_here(played)
    run(name, played)


def test_the_page_is_live(played: Stack, tmp_path: Path) -> None:
    with traffic(played, tmp_path, rate=20):
        run("live", played)


def test_there_is_a_test_for_every_file() -> None:
    names = {path.name.removesuffix(".test.mjs") for path in (HERE / "cases").glob("*.test.mjs")}
    assert names == {*QUIET, "live"}


def keep_visitors_here(stack: Stack) -> None:
    """Visitors are gone after five minutes, and the cases take some."""
    channels = ("website", "chat", "purchase")
    with EngagementProducer(stack.settings.kafka_bootstrap) as producer:
        for number in range(12):
            event = new_event("search_performed", customer_id=f"c-{number:03}", properties={"query": "tea"})
            producer.send(event, channel=channels[number % 3])
    stack.drain()


def run(name: str, stack: Stack) -> None:
    command = ["node", "--test", "--test-reporter=spec", f"cases/{name}.test.mjs"]
    ended = subprocess.run(
        command,
        cwd=HERE,
        env={**os.environ, **environment(stack)},
        capture_output=True,
        text=True,
        timeout=_CASES_SECONDS,
    )
    print(f"\n{ended.stdout}{ended.stderr}")
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}"
