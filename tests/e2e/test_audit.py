"""`engage verify` on the running product: nothing disagrees, neither in history nor while traffic goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.stack import Stack, running, until
from tests.e2e.test_history import CDNOW, needs_cdnow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@contextmanager
def traffic(stack: Stack) -> Iterator[None]:
    """Visits of customers and visitors who log in, until the block ends."""
    generate = subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "generate", "--rate", "60", "--customers", "300"],
        env={**os.environ, "ENGAGE_KAFKA_BOOTSTRAP": stack.ready["kafka"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: stack.rows("SELECT count() > 600 FROM events") == [(1,)], "nothing arrives")
        yield
        assert generate.poll() is None, "the traffic ended by itself"
    finally:
        generate.terminate()
        generate.wait(timeout=30)


@needs_cdnow
def test_the_cdnow_sample_has_no_disagreement(tmp_path: Path) -> None:
    with running(tmp_path, clock="event") as stack:
        stack.engage("replay", str(CDNOW), "--format", "cdnow", "--shuffle", "5", "--duplicate", "0.1")
        stack.drain()
        found = stack.engage("verify", "--all")
    assert found.startswith("0 disagreements in ")
    assert found.endswith(" of 2,357 customers\n")


def test_live_traffic_has_no_disagreement_on_the_way_and_none_at_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as stack:
        with traffic(stack):
            on_the_way = stack.engage("verify")
        stack.drain()
        at_the_end = stack.engage("verify", "--all", "--json")
    assert on_the_way.startswith("0 disagreements in ")
    assert '"disagreements": []' in at_the_end
    assert '"unsettled": []' in at_the_end
