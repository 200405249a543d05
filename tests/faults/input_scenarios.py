"""Producers, rejects and disks that make trouble; and everything read a second time."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.topics import REJECTED
from tests.faults.rig import Rig
from tests.faults.scenario import ledger_for, scenario, start
from tests.faults.verdict import assert_a_rerun_changes_no_view, assert_nothing_lost_or_counted_twice

_DISK_MIB = 64


@scenario(repetitions=5, selected=True)
def producers_that_retry_most_events(rig: Rig, seed: int) -> None:
    """Within the same batch and much later, across a restart of the worker; and read again from offset 0."""
    ledger = ledger_for(rig, seed, retry_ratio=0.4, twice_ratio=0.2)
    start(rig, 0)
    ledger.produce(600)
    rig.drain()
    rig.stop_worker()
    start(rig, 0)
    ledger.produce(600)
    assert_a_rerun_changes_no_view(rig, wipe=bool(seed % 2))
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=5)
def everything_read_again_from_the_beginning(rig: Rig, seed: int) -> None:
    """Into the same database, after a crash; on the kept disk or on one recovered from the changelog."""
    ledger = ledger_for(rig, seed, retry_ratio=0.2)
    rig.start_worker(failpoint=f"rows_inserted:{seed % 7 + 2}")
    with ledger.load():
        assert rig.workers[0].wait(60) == 137
        start(rig, 0)
    assert_a_rerun_changes_no_view(rig, wipe=not seed % 2)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=6)
def transactional_producers_with_aborts(rig: Rig, seed: int) -> None:
    chance, ledger = random.Random(seed), ledger_for(rig, seed)
    start(rig, 0)
    ledger.produce(chance.randrange(400, 800), transactional_id="shop")
    rig.kill_worker()
    ledger.produce(chance.randrange(100, 400))
    ledger.produce(chance.randrange(150, 500), transactional_id="shop")
    rig.heal()
    start(rig, 0)
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=6)
def rejects_that_kafka_refuses_for_a_while(rig: Rig, seed: int) -> None:
    """Nothing may be committed past a reject that nobody has; half of the workers end with theirs."""
    ledger = ledger_for(rig, seed, bad_ratio=0.2)
    start(rig, 0)
    with ledger.load():
        with rig.topic_setting(REJECTED, "max.message.bytes", "1"):
            time.sleep(3)
            if seed % 2:
                rig.kill_worker()
        rig.heal()
        if seed % 2:
            start(rig, 0)
        time.sleep(1)
    rig.drain()
    rig.assert_alive()
    assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=5)
def the_topic_of_rejects_deleted_and_created_again(rig: Rig, seed: int) -> None:
    ledger = ledger_for(rig, seed, bad_ratio=0.2)
    start(rig, 0)
    with ledger.load():
        time.sleep(1)
        rig.recreate_topics(REJECTED)
        rig.heal()
        time.sleep(1)
    rig.drain()
    rig.assert_alive()
    assert_nothing_lost_or_counted_twice(rig, ledger, rejected_topic=False)


@scenario(repetitions=6, selected=True)
def a_full_disk(rig: Rig, seed: int) -> None:
    """The worker ends, or waits; once there is space, or another disk, it goes on."""
    ledger = ledger_for(rig, seed)
    with small_disk(rig.worker_dir(0) / "state") as state:
        with ledger.load():
            start(rig, 0)
            filler = state / "filler"
            fill(filler)
            time.sleep(3)
            if seed % 2:
                filler.unlink()
            else:
                rig.kill_worker()
                unmount(state)
            rig.heal()
            if not rig.is_alive():
                start(rig, 0)
            time.sleep(1)
        assert_nothing_lost_or_counted_twice(rig, ledger)


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "engage-faults", str(path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        yield path
    finally:
        unmount(path)


def unmount(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], capture_output=True)


def fill(path: Path) -> None:
    """Take all space that is left."""
    try:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
    except OSError:
        pass
