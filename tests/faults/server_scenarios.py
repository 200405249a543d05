"""Kafka and ClickHouse that die, hang and come back."""

from __future__ import annotations

import json
import random
import secrets
import signal
import time
from datetime import datetime, timezone
from functools import partial
from itertools import count

from schemas.topics import CHANGELOG, PURCHASE, partition_of
from streams.state_store import customer_key
from tests.faults.proxy import Harm, Proxy, after, before
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.scenario import behind, ledger_for, scenario, seconds, start
from tests.faults.traffic import Message
from tests.faults.truth import read_topics
from tests.faults.verdict import assert_nothing_lost_or_counted_twice
from tests.faults.workers import wait_until

#: More than the queues of a worker hold, so that its memory is bounded by back-pressure or not at all.
_FLOOD_RECORDS = 60_000
_FLAT_MIB = 60.0
#: Events that claim one order and are together larger than the worker's largest batch, 1 MiB, when stored.
_LARGE_ORDER_CLAIMS = 4_000


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


@scenario(repetitions=5)
def a_changelog_that_kafka_takes_in_part(rig: Rig, seed: int) -> None:
    """A flush writes the state of `small` and a new order of `large`, then an order larger than a batch,
    which Kafka refuses, and would write the state of `large` afterwards. The worker is killed; its successor
    finds newer offsets of `small` than of `large`, and an order that its customer's state does not know.
    """
    ledger, (small, large) = ledger_for(rig, seed), _customers_of_one_partition(seed)
    ledger.send(*_claims(large, "o-2", _LARGE_ORDER_CLAIMS))
    start(rig, 0)
    rig.drain()
    rig.stop_worker()
    with rig.topic_setting(CHANGELOG, "max.message.bytes", "100000"):
        visit = partial(ledger.traffic.visit, small, PURCHASE)
        # One batch, so they are read and folded together.
        ledger.send(visit(day=1), *_claims(large, "o-1", 1), *_claims(large, "o-2", 1), visit(day=2))
        rig.start_worker(0)
        wait_until(lambda: _is_in_changelog(rig, small), "nothing of the flush is in the changelog")
        time.sleep(1)
        rig.kill_worker()
    if seed % 2:
        rig.wipe_worker()
    rig.heal()
    start(rig, 0)
    assert_nothing_lost_or_counted_twice(rig, ledger)


def _customers_of_one_partition(seed: int) -> tuple[str, str]:
    names = (f"{seed}-{number}" for number in count())
    first = next(names)
    return first, next(name for name in names if _partition(name) == _partition(first))


def _partition(customer: str) -> int:
    return partition_of(customer, PARTITIONS)


def _claims(customer: str, order_id: str, number: int) -> list[Message]:
    """Events that all claim to be this order; the changelog has one record for them."""
    body = {
        "type": "order_completed",
        "occurred_at": datetime.now(timezone.utc).isoformat(),
        "customer_id": customer,
        "properties": {"order_id": order_id, "total_minor": 100, "currency": "EUR"},
    }
    values = [json.dumps({**body, "event_id": _long_id()}).encode() for _ in range(number)]
    return [Message(PURCHASE, _partition(customer), customer.encode(), value, True) for value in values]


def _long_id() -> str:
    """As many bytes as an event id may have, 64 characters of four; random, so that they hardly compress."""
    return "".join(chr(0x20000 + secrets.randbelow(0x8000)) for _ in range(64))


def _is_in_changelog(rig: Rig, customer: str) -> bool:
    records = read_topics(rig.settings.kafka_bootstrap, [CHANGELOG], PARTITIONS)
    return any(record.key == customer_key(customer) for record in records)


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
