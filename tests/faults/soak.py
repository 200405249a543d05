"""Half an hour of load and random faults: `python -m tests.faults.soak --minutes 30`.

Prints memory, open files and lag at each minute, and asserts at the end that nothing was lost or counted
twice. The load is about half of what the whole machine managed, producer included, in a first minute.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from schemas.decode import Event, decode
from schemas.topics import CHANNEL_OF_TOPIC
from streams.ops.drain import records_left
from tests.faults.findings import Findings
from tests.faults.ledger import Coordinates, Ledger
from tests.faults.recovered import check_recovered_state
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.rows import check_histories, check_rows, check_rows_in_sql
from tests.faults.scenario import start
from tests.faults.traffic import Message, Traffic
from tests.faults.truth import Delivery
from tests.faults.verdict import check_committed_to_the_end, oracle

_CUSTOMERS = 20_000
_BAD_RATIO = 0.001
#: All deliveries of some customers are kept for the oracle, which is slow with the busiest ones.
_SAMPLED_FROM, _SAMPLED_EVERY = 1_000, 800
_CALIBRATION_SECONDS = 40.0
_SLICE = 5_000
_PAUSE_SECONDS = (10.0, 40.0)
_WORKERS = (0, 1)

Fault = Callable[[Rig, random.Random], None]


class SoakLedger(Ledger):
    """Keeps only a sample and the rejects, as millions of records would not fit."""

    def __init__(self, traffic: Traffic, bootstrap: str) -> None:
        super().__init__(traffic, bootstrap)
        self.sample: list[tuple[Coordinates, Message]] = []
        self.bad: set[Coordinates] = set()
        self.records = 0

    def offered(self, messages: Iterable[Message]) -> None:
        """Nothing is kept before it is acknowledged."""

    def acknowledged(self, records: Iterable[tuple[Coordinates, Message]]) -> None:
        for at, message in records:
            self.records += 1
            if not message.valid:
                self.bad.add(at)
            elif is_sampled(message.key):
                self.sample.append((at, message))


def is_sampled(key: bytes) -> bool:
    number = int(key.partition(b"-")[2])
    return number >= _SAMPLED_FROM and number % _SAMPLED_EVERY == 0


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as directory:
        rig = Rig(Path(directory))
        try:
            rig.begin()
            soak(rig, options.minutes, options.per_second, options.seed)
        finally:
            rig.ensure_servers()
            rig.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--per-second", type=float, help="records [default: half of what is measured]")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def soak(rig: Rig, minutes: float, per_second: float | None, seed: int) -> None:
    traffic = Traffic(seed, PARTITIONS, customers=_CUSTOMERS, bad_ratio=_BAD_RATIO, numbered=True)
    ledger = SoakLedger(traffic, rig.settings.kafka_bootstrap)
    start(rig, *_WORKERS)
    rate = per_second or capacity(rig, ledger) / 2
    print(f"load: {rate:,.0f} records/s", flush=True)
    chance, started = random.Random(seed), time.monotonic()
    with ledger.load(rate):
        for minute in range(1, max(1, round(minutes)) + 1):
            faults = _hurt_until(rig, chance, started + minute * 60)
            print(_line(rig, minute, ledger.records, faults), flush=True)
    rig.heal()
    rig.drain(600)
    print(f"drained after {rig.recovery_seconds:.1f} s; looking at {ledger.records:,} records", flush=True)
    judge(rig, ledger)
    print("nothing lost, nothing counted twice")


def capacity(rig: Rig, ledger: Ledger) -> float:
    """Records per second from a producer at full speed to drained, all on this machine."""
    started = time.monotonic()
    records = 0
    while time.monotonic() < started + _CALIBRATION_SECONDS:
        ledger.produce(_SLICE)
        records += _SLICE
    rig.drain(600)
    return records / (time.monotonic() - started)


def _hurt_until(rig: Rig, chance: random.Random, until: float) -> list[str]:
    """One fault after the other, with pauses, up to a monotonic instant; returns their names."""
    done = []
    while True:
        time.sleep(max(0.0, min(until - time.monotonic(), chance.uniform(*_PAUSE_SECONDS))))
        if time.monotonic() >= until:
            return done
        fault = chance.choice(_FAULTS)
        fault(rig, chance)
        rig.ensure_servers()
        for number in _WORKERS:
            if not rig.is_alive(number):
                rig.start_worker(number)
        done.append(fault.__name__.strip("_").replace("_", " "))


def _line(rig: Rig, minute: int, records: int, faults: list[str]) -> str:
    workers = "  ".join(
        f"worker {number}: {rig.memory_mib(number):4.0f} MiB {rig.open_files(number):3d} files"
        for number in _WORKERS
        if rig.is_alive(number)
    )
    lag = records_left(rig.settings)
    return f"minute {minute:3d}  {records:11,d} sent  lag {lag:8,d}  {workers}  {', '.join(faults)}"


# -- faults ------------------------------------------------------------------------------------------


def _sigkill(rig: Rig, chance: random.Random) -> None:
    rig.kill_worker(chance.choice(_WORKERS))


def _sigkill_and_deleted_disk(rig: Rig, chance: random.Random) -> None:
    victim = chance.choice(_WORKERS)
    rig.kill_worker(victim)
    rig.wipe_worker(victim)


def _sigterm(rig: Rig, chance: random.Random) -> None:
    rig.stop_worker(chance.choice(_WORKERS))


def _sigstop(rig: Rig, chance: random.Random) -> None:
    victim = chance.choice(_WORKERS)
    rig.signal_worker(victim, signal.SIGSTOP)
    time.sleep(chance.uniform(2, 8))
    rig.signal_worker(victim, signal.SIGCONT)


def _kafka_killed(rig: Rig, chance: random.Random) -> None:
    rig.kill_kafka()
    time.sleep(chance.uniform(0, 3))


def _kafka_stopped(rig: Rig, chance: random.Random) -> None:
    rig.kafka.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(2, 8))


def _clickhouse_killed(rig: Rig, chance: random.Random) -> None:
    rig.kill_clickhouse()
    time.sleep(chance.uniform(0, 5))


_FAULTS: tuple[Fault, ...] = (
    _sigkill,
    _sigkill_and_deleted_disk,
    _sigterm,
    _sigstop,
    _kafka_killed,
    _kafka_stopped,
    _clickhouse_killed,
)

# -- the verdict -------------------------------------------------------------------------------------


def judge(rig: Rig, ledger: SoakLedger) -> None:
    """All tables against SQL over the facts; the sampled customers against the oracle as well.

    Raises:
        VerdictFailed: something is lost, counted twice or otherwise wrong.
    """
    findings = Findings()
    sent = ledger.traffic.events
    ((facts, distinct, newest),) = rig.rows(
        "SELECT count(), uniqExact(event_id), max(event_id) FROM events FINAL"
    )
    findings.missing("events that are no facts", range(distinct, sent))
    findings.surplus("facts", range(max(distinct, sent), facts))
    findings.check(f"the newest fact is {newest}, not {sent - 1:032x}", newest == f"{sent - 1:032x}")
    rejects = {
        tuple(row)
        for row in rig.rows("SELECT source_topic, source_partition, source_offset FROM v_rejected_events")
    }
    findings.missing("bad records that are no rejects", ledger.bad - rejects)
    ((applied,),) = rig.rows("SELECT sum(n_applied) FROM customer_state FINAL")
    findings.missing("events in the states", range(applied, sent))
    findings.surplus("events in the states", range(sent, applied))
    check_rows_in_sql(rig, findings)
    sample = [_delivery(at, message) for at, message in ledger.sample]
    expected = oracle(sample)
    check_rows(rig, expected, findings, only=sorted(expected))
    check_histories(rig, expected, findings, only=sorted(expected))
    check_committed_to_the_end(rig, findings)
    rig.stop_workers()
    check_recovered_state(rig, expected, sample, findings)
    findings.raise_if_any()


def _delivery(at: Coordinates, message: Message) -> Delivery:
    event = decode(message.value, channel=CHANNEL_OF_TOPIC[at[0]], appended_at_ms=2**50)
    assert isinstance(event, Event), event
    return Delivery(at, 0, message.value, event)


if __name__ == "__main__":
    sys.exit(main())
