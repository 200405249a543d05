"""Workers that end at the worst moments."""

from __future__ import annotations

import signal

import pytest

from streams.failpoints import FAILPOINTS
from tests.faults.ledger import Ledger
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.verdict import assert_nothing_lost_or_counted_twice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def ledger_for(rig: Rig, seed: int) -> Ledger:
    return Ledger(seed, rig.settings.kafka_bootstrap, PARTITIONS)


@pytest.mark.parametrize("wipe", [False, True], ids=["disk kept", "disk deleted"])
@pytest.mark.parametrize("place", FAILPOINTS)
def test_a_worker_that_ends_between_two_steps_is_succeeded_without_a_trace(
    rig: Rig, place: str, wipe: bool
) -> None:
    ledger = ledger_for(rig, seed=FAILPOINTS.index(place))
    rig.start_worker(failpoint=f"{place}:3")
    rig.wait_ready()
    for _ in range(12):
        ledger.produce(60)
        if rig.workers[0].poll() is not None:
            break
    assert rig.workers[0].wait(timeout=30) == 137
    if wipe:
        rig.wipe_worker()
    rig.start_worker()
    ledger.produce(100)
    rig.drain()
    assert_nothing_lost_or_counted_twice(rig, ledger)


def test_a_terminated_worker_hands_over(rig: Rig) -> None:
    ledger = ledger_for(rig, seed=100)
    rig.start_worker(0)
    rig.start_worker(1)
    rig.wait_ready(0)
    rig.wait_ready(1)
    ledger.produce(1500)
    rig.workers[0].send_signal(signal.SIGTERM)
    ledger.produce(1500)
    assert rig.workers[0].wait(timeout=30) == 0
    rig.drain()
    assert_nothing_lost_or_counted_twice(rig, ledger)
