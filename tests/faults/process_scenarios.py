"""Workers that end, hang, come and go."""

from __future__ import annotations

import random
import signal
import time

from schemas.topics import CHAT, WEBSITE
from streams.failpoints import FAILPOINTS
from tests.faults.proxy import Proxy, swallow
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.scenario import behind, ledger_for, scenario, seconds, start
from tests.faults.truth import is_compacted
from tests.faults.verdict import assert_nothing_lost_or_counted_twice
from tests.faults.workers import wait_until

#: What SIGKILL and a failpoint leave behind.
_FAILPOINT_STATUS = 137
#: Each is inserted into once by a flush.
_ROW_TABLES = 3
#: Before something is written that a successor could be harmed by.
_ZOMBIE_PLACES = ("folded", "facts_inserted", "changelog_sent", "state_written", "rows_inserted")


@scenario(repetitions=2, selected=True)
def a_crash_after_every_step_in_turn(rig: Rig, seed: int) -> None:
    """Ten crashes in one run, each at another place, with the disk deleted after about half of them."""
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    with ledger.load(200):
        for place in FAILPOINTS:
            worker = rig.start_worker(failpoint=f"{place}:2")
            assert worker.wait(60) == _FAILPOINT_STATUS, rig.log()
            if chance.random() < 0.5:
                rig.wipe_worker()
        rig.heal()
        rig.start_worker()
        rig.wait_ready()
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def a_crash_between_two_steps(rig: Rig, seed: int) -> None:
    _crash(rig, seed, wipe=False)


@scenario(repetitions=20)
def a_crash_between_two_steps_with_the_disk_deleted(rig: Rig, seed: int) -> None:
    _crash(rig, seed, wipe=True)


def _crash(rig: Rig, seed: int, *, wipe: bool) -> None:
    ledger = ledger_for(rig, seed)
    place = FAILPOINTS[seed % len(FAILPOINTS)]
    rig.start_worker(failpoint=f"{place}:{random.Random(seed).randrange(2, 8)}")
    with ledger.load():
        assert rig.workers[0].wait(60) == _FAILPOINT_STATUS, rig.log()
        if wipe:
            rig.wipe_worker()
        rig.heal()
        rig.start_worker()
        rig.wait_ready()
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def a_crash_after_the_last_event(rig: Rig, seed: int) -> None:
    """Nothing comes afterwards that would write the same state and rows again and hide what is missing."""
    ledger = ledger_for(rig, seed)
    ledger.produce(1000)
    worker = rig.start_worker(failpoint=FAILPOINTS[seed % len(FAILPOINTS)])
    assert worker.wait(60) == _FAILPOINT_STATUS, rig.log()
    if seed // len(FAILPOINTS) % 2:
        rig.wipe_worker()
    rig.heal()
    start(rig, 0)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def a_sigkill_under_load(rig: Rig, seed: int) -> None:
    _kill(rig, seed, wipe=False)


@scenario(repetitions=20, selected=True)
def a_sigkill_under_load_with_the_disk_deleted(rig: Rig, seed: int) -> None:
    _kill(rig, seed, wipe=True)


@scenario(repetitions=10)
def a_sigkill_of_static_members(rig: Rig, seed: int) -> None:
    """They have their partitions back without a rebalance."""
    _kill(rig, seed, wipe=seed % 2 == 1, are_static=True)


def _kill(rig: Rig, seed: int, *, wipe: bool, are_static: bool = False) -> None:
    """Twice, at any moment; the second time perhaps while the first victim recovers."""

    def begin(number: int) -> None:
        rig.start_worker(number, ENGAGE_INSTANCE_ID=f"worker-{number}" if are_static else "")

    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    begin(0)
    begin(1)
    rig.wait_ready(0, 1)
    with ledger.load():
        for _ in range(2):
            victim = chance.randrange(2)
            time.sleep(chance.uniform(0.3, 1.5))
            rig.kill_worker(victim)
            if wipe:
                rig.wipe_worker(victim)
            begin(victim)
        rig.heal()
        rig.wait_ready(0, 1)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10, selected=True)
def a_sigterm_under_load(rig: Rig, seed: int) -> None:
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    start(rig, 0, 1)
    with ledger.load():
        time.sleep(chance.uniform(0.3, 1.5))
        rig.stop_worker(chance.randrange(2))
        rig.heal()
        time.sleep(chance.uniform(0.3, 1.5))
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def a_stopped_worker_that_wakes_up_after_its_successor_took_over(rig: Rig, seed: int) -> None:
    """SIGSTOP beyond the session timeout, take-over, SIGCONT: for a moment two workers think they own it."""
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    start(rig, 0, 1)
    with ledger.load():
        time.sleep(chance.uniform(0.3, 1.5))
        zombie = chance.randrange(2)
        rig.signal_worker(zombie, signal.SIGSTOP)
        _wait_for_all_partitions(rig, 1 - zombie)
        time.sleep(chance.uniform(0, 1.5))
        rig.heal()
        rig.signal_worker(zombie, signal.SIGCONT)
        time.sleep(chance.uniform(0.3, 1.5))
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def a_worker_stopped_between_two_steps_that_goes_on_after_its_successor_took_over(
    rig: Rig, seed: int
) -> None:
    """The same, stopped where it hurts: it had checked that it owns its partitions, and writes on."""
    _wake_up_between_two_steps(rig, seed)


@scenario(repetitions=10)
def a_former_owner_that_writes_on_while_the_changelog_is_compacted(rig: Rig, seed: int) -> None:
    """Its stale records are the last of their keys, for a moment; compaction keeps the last."""
    rig.compact_eagerly()
    _wake_up_between_two_steps(rig, seed)


def _wake_up_between_two_steps(rig: Rig, seed: int) -> None:
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    place = _ZOMBIE_PLACES[seed % len(_ZOMBIE_PLACES)]
    rig.start_worker(0, failpoint=f"{place}:{chance.randrange(4, 20)}:stop")
    start(rig, 1)
    with ledger.load():
        wait_until(lambda: rig.is_stopped(0), f"worker 0 does not reach {place}")
        _wait_for_all_partitions(rig, 1)
        time.sleep(chance.uniform(0.5, 2))
        rig.heal()
        rig.signal_worker(0, signal.SIGCONT)
        time.sleep(chance.uniform(0.3, 1.5))
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=5, selected=True)
def rows_of_a_former_owner_that_has_counted_more_events_but_not_these(rig: Rig, seed: int) -> None:
    """The former owner's rows of two days have version 6. Its successor, which reads one record at a time, is
    done with one of the days before it has counted six events, and that day has one event more by then.
    The former owner may insert its rows, and then nothing of what it reads by itself.
    """
    ledger = ledger_for(rig, seed)
    ledger.send(*[ledger.traffic.visit("z", WEBSITE, day=1) for _ in range(5)])
    ledger.send(ledger.traffic.visit("z", CHAT, day=0))
    place = ("facts_inserted", "changelog_sent")[seed % 2]
    with behind(rig, Proxy(rig.clickhouse_port), failpoint=f"{place}:1:stop") as proxy:
        wait_until(lambda: rig.is_stopped(0), f"worker 0 does not reach {place}")
        ledger.send(ledger.traffic.visit("z", CHAT, day=0), ledger.traffic.visit("z", WEBSITE, day=1))
        rig.start_worker(1, ENGAGE_FLUSH_MAX_RECORDS="1")
        rig.wait_ready(1)
        rig.drain()
        proxy.harm(swallow, skip=_ROW_TABLES)
        rig.heal()
        rig.signal_worker(0, signal.SIGCONT)
        wait_until(
            lambda: not rig.is_alive(0) or len(rig.logged("partitions_assigned", 0)) > 1,
            "worker 0 neither ends nor joins its group again",
        )
        proxy.heal()
        fenced = not rig.is_alive(0)
        ledger.produce(60)
        assert_nothing_lost_or_counted_twice(rig, ledger)
    if place == "facts_inserted":
        # It finds the first record of its successor's term before its own, and may not go on to write rows.
        assert fenced, rig.log(0)


@scenario(repetitions=5)
def a_disk_deleted_after_the_changelog_was_compacted(rig: Rig, seed: int) -> None:
    ledger = ledger_for(rig, seed)
    rig.compact_eagerly()
    start(rig, 0)
    with ledger.load():
        wait_until(
            lambda: is_compacted(rig.settings.kafka_bootstrap, PARTITIONS), "the changelog is not compacted"
        )
        rig.kill_worker()
        rig.wipe_worker()
        rig.heal()
        start(rig, 0)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=10)
def workers_that_join_and_leave(rig: Rig, seed: int) -> None:
    """Every few seconds (10 s: ENGAGE_FAULTS_PACE_SECONDS=10) one comes, or one goes, in order or not."""
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    start(rig, 0)
    running, pace_seconds = {0}, seconds("PACE", 2.5)
    with ledger.load(200):
        for _ in range(6):
            time.sleep(chance.uniform(0.5, 1.5) * pace_seconds)
            if len(running) < 2 or (len(running) < 3 and chance.random() < 0.5):
                number = min({0, 1, 2} - running)
                rig.start_worker(number)
                running.add(number)
            else:
                number = running.pop()
                if not rig.is_alive(number) or chance.random() < 0.5:
                    rig.kill_worker(number)
                else:
                    rig.stop_worker(number)
        rig.heal()
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=5)
def three_workers_that_share_four_partitions(rig: Rig, seed: int) -> None:
    """Partition p of every topic must be with the same worker: the topics share customers."""
    ledger = ledger_for(rig, seed)
    start(rig, 0, 1, 2)
    with ledger.load():
        time.sleep(2)
    rig.drain()
    rig.assert_alive(0, 1, 2)
    assert_nothing_lost_or_counted_twice(rig, ledger)


def _wait_for_all_partitions(rig: Rig, number: int) -> None:
    def has_all() -> bool:
        assigned = rig.logged("partitions_assigned", number)
        return bool(assigned) and len(assigned[-1]["partitions"]) == PARTITIONS

    wait_until(has_all, f"worker {number} does not take over")
