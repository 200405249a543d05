"""A network between worker and ClickHouse that swallows, delays and forgets."""

from __future__ import annotations

import random
import time

from tests.faults.proxy import Harm, Proxy, answer_500, answer_502, delay, drop_the_response, swallow
from tests.faults.rig import Rig
from tests.faults.scenario import behind, ledger_for, scenario, seconds, start
from tests.faults.verdict import assert_nothing_lost_or_counted_twice
from tests.faults.workers import wait_until

#: One request is given up after this time.
_TIMEOUT_SECONDS = 1.5


@scenario(repetitions=6)
def clickhouse_in_a_black_hole(rig: Rig, seed: int) -> None:
    _harm_for_a_while(rig, seed, swallow)


@scenario(repetitions=6, selected=True)
def inserts_that_arrive_after_they_were_given_up(rig: Rig, seed: int) -> None:
    """The same bytes are inserted by the second try first and by the first try later, perhaps after newer
    rows."""
    _harm_for_a_while(rig, seed, delay(random.Random(seed).uniform(1, 3) * _TIMEOUT_SECONDS), times=6)


@scenario(repetitions=6)
def responses_lost_after_the_insert_has_applied(rig: Rig, seed: int) -> None:
    _harm_for_a_while(rig, seed, drop_the_response, times=12)


@scenario(repetitions=6)
def http_errors_from_clickhouse_for_a_while(rig: Rig, seed: int) -> None:
    _harm_for_a_while(rig, seed, answer_502 if seed % 2 else answer_500)


def _harm_for_a_while(rig: Rig, seed: int, harm: Harm, times: int = 1 << 30) -> None:
    """Done to inserts in the middle of the load; whatever it is, the worker waits it out."""
    ledger = ledger_for(rig, seed)
    with behind(rig, Proxy(rig.clickhouse_port), timeout_seconds=_TIMEOUT_SECONDS) as proxy:
        with ledger.load(200):
            proxy.harm(harm, times=times, skip=seed % 5)
            wait_until(lambda: proxy.harmed > 0, "no insert came")
            time.sleep(seconds("NETWORK_FAULT", 6))
            proxy.heal()
            rig.heal()
        rig.drain()
        rig.assert_alive()
        # What was given up and is still under way arrives now, after everything newer.
        wait_until(lambda: not proxy.under_way, "inserts are still delayed")
        assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=5)
def a_sigterm_while_clickhouse_does_not_answer(rig: Rig, seed: int) -> None:
    """The flush at hand is abandoned, and nothing of it may be committed."""
    ledger = ledger_for(rig, seed)
    with behind(rig, Proxy(rig.clickhouse_port), timeout_seconds=_TIMEOUT_SECONDS) as proxy:
        with ledger.load(200):
            proxy.harm(swallow, skip=seed % 5)
            wait_until(lambda: proxy.harmed > 0, "no insert came")
            # More is read meanwhile, and waits for the next flush.
            time.sleep(0.5)
            rig.stop_worker(0)
        proxy.heal()
        rig.heal()
        start(rig, 0)
        assert_nothing_lost_or_counted_twice(rig, ledger)


@scenario(repetitions=6)
def a_flush_abandoned_in_a_rebalance(rig: Rig, seed: int) -> None:
    """It cannot finish, and its inserts arrive when another worker owns the partitions; or it is killed."""
    ledger, chance = ledger_for(rig, seed), random.Random(seed)
    with behind(rig, Proxy(rig.clickhouse_port)) as proxy:
        with ledger.load(200):
            proxy.harm(delay(chance.uniform(6, 10)), times=2, skip=seed % 5)
            wait_until(lambda: proxy.harmed > 0, "no insert came")
            start(rig, 1)
            if seed % 2:
                rig.kill_worker(0)
            rig.heal()
            time.sleep(1)
        wait_until(lambda: not proxy.under_way, "inserts are still delayed")
        assert_nothing_lost_or_counted_twice(rig, ledger)
