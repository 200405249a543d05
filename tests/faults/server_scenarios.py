"""Kafka and ClickHouse that die, hang and come back."""

from __future__ import annotations

import random
import signal
import time

from tests.faults.proxy import Harm, Proxy, after, before
from tests.faults.rig import Rig
from tests.faults.scenario import behind, ledger_for, scenario, seconds, start
from tests.faults.verdict import assert_nothing_lost_or_counted_twice
from tests.faults.workers import wait_until

#: More than the queues of a worker hold, so that its memory is bounded by back-pressure or not at all.
_FLOOD_RECORDS = 60_000
_FLAT_MIB = 60.0


@scenario(repetitions=10, selected=True)
def kafka_killed_and_restarted(rig: Rig, seed: int) -> None:
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    start(rig, 0, 1)
    with ledger.load():
        time.sleep(chance.uniform(0.3, 1.5))
        rig.kill_kafka()
        time.sleep(chance.uniform(0, 4))
        rig.start_kafka()
        rig.heal()
        time.sleep(1)
    rig.drain()
    rig.assert_alive(0, 1)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def kafka_stopped_for_a_while(rig: Rig, seed: int) -> None:
    """SIGSTOP: connections stay open and nobody answers, far beyond the session timeout."""
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    start(rig, 0, 1)
    with ledger.load():
        time.sleep(chance.uniform(0.3, 1.5))
        rig.kafka.send_signal(signal.SIGSTOP)
        time.sleep(seconds("KAFKA_STOP", 12))
        rig.kafka.send_signal(signal.SIGCONT)
        rig.heal()
        time.sleep(1)
    rig.drain()
    rig.assert_alive(0, 1)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def clickhouse_killed_before_an_insert_applies(rig: Rig, seed: int) -> None:
    _kill_clickhouse(rig, seed, before(rig.clickhouse.kill))


@scenario(repetitions=10, selected=True)
def clickhouse_killed_after_an_insert_has_applied(rig: Rig, seed: int) -> None:
    _kill_clickhouse(rig, seed, after(rig.clickhouse.kill))


def _kill_clickhouse(rig: Rig, seed: int, harm: Harm) -> None:
    ledger = ledger_for(rig, seed)
    with behind(rig, Proxy(rig.clickhouse_port)) as proxy:
        with ledger.load():
            # A flush has four inserts, more with bad input: the seed chooses one.
            proxy.harm(harm, times=1, skip=seed % 9)
            wait_until(lambda: rig.clickhouse.poll() is not None, "no insert came")
            time.sleep(random.Random(seed).uniform(0, 2))
            rig.start_clickhouse()
            rig.heal()
            time.sleep(1)
        rig.drain()
        rig.assert_alive()
        assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=3)
def clickhouse_away_for_long_under_load(rig: Rig, seed: int) -> None:
    """Far beyond every timeout: nobody leaves the group, memory stays flat, and the lag drains afterwards.

    ENGAGE_FAULTS_CLICKHOUSE_AWAY_SECONDS=600 makes it the ten minutes that the design promises.
    """
    ledger = ledger_for(rig, seed, customers=2_000)
    start(rig, 0)
    members = rig.members()
    with ledger.load():
        time.sleep(1)
        rig.kill_clickhouse()
        ledger.flood(_FLOOD_RECORDS)
        time.sleep(5)
        full_mib = rig.memory_mib()
        deadline = time.monotonic() + seconds("CLICKHOUSE_AWAY", 20)
        while time.monotonic() < deadline:
            assert rig.memory_mib() - full_mib < _FLAT_MIB
            time.sleep(0.5)
        assert rig.members() == members
        rig.start_clickhouse()
        rig.heal()
    rig.drain(300)
    assert rig.members() == members
    assert len(rig.logged("partitions_assigned")) == 1
    assert_nothing_lost_or_counted_twice(rig, ledger)
