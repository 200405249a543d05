"""Topics, state and database that no longer belong together: the worker stops, a rebuild mends it."""

from __future__ import annotations

import json
import shutil

import pytest
from kafka import KafkaAdminClient

from schemas.topics import CHANGELOG, WEBSITE
from streams.migrations import migrate
from streams.ops import rebuild as rebuilding
from streams.ops.topics import create_topics
from tests.faults.ledger import Ledger
from tests.faults.rig import PARTITIONS, Rig, wait_until
from tests.faults.traffic import Traffic
from tests.faults.verdict import assert_nothing_lost_or_counted_twice

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def ledger(rig: Rig) -> Ledger:
    """A drained system without a running worker."""
    ledger = Ledger(Traffic(11, PARTITIONS), rig.settings.kafka_bootstrap)
    ledger.produce(600)
    rig.start_worker()
    rig.drain()
    rig.stop_workers()
    return ledger


def assert_the_worker_names_the_rebuild(rig: Rig, because: str) -> None:
    worker = rig.start_worker()
    assert worker.wait(timeout=60) == 1
    lines = [line for line in rig.log().splitlines() if "engage rebuild" in line]
    assert len(lines) == 1
    assert because in lines[0]


def assert_a_rebuild_mends_it(rig: Rig, ledger: Ledger) -> None:
    assert rebuilding.rebuild(rig.settings) >= 0
    rig.start_worker()
    ledger.produce(300)
    rig.drain()
    assert_nothing_lost_or_counted_twice(rig, ledger)


def delete_topic(rig: Rig, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=rig.settings.kafka_bootstrap)
    admin.delete_topics([topic])
    wait_until(lambda: topic not in admin.list_topics(), f"{topic} is not deleted")
    admin.close()
    create_topics(rig.settings)


def test_a_wiped_database_is_noticed_and_read_again_from_kafka(rig: Rig, ledger: Ledger) -> None:
    client = rig.client()
    client.command(f"DROP DATABASE {rig.settings.clickhouse_database}")
    client.close()
    migrate(rig.settings)
    assert_the_worker_names_the_rebuild(rig, "wiped")
    assert_a_rebuild_mends_it(rig, ledger)


@pytest.mark.parametrize("wipe", [False, True], ids=["disk kept", "disk deleted"])
def test_a_deleted_changelog_is_noticed_and_rebuilt_from_facts(rig: Rig, ledger: Ledger, wipe: bool) -> None:
    delete_topic(rig, CHANGELOG)
    if wipe:
        rig.wipe_worker()
    assert_the_worker_names_the_rebuild(rig, "changelog")
    assert_a_rebuild_mends_it(rig, ledger)


def test_a_recreated_source_topic_is_noticed_and_its_new_events_count(rig: Rig, ledger: Ledger) -> None:
    events = event_ids(ledger)
    delete_topic(rig, WEBSITE)
    ledger.produce(300)
    assert_the_worker_names_the_rebuild(rig, "created again")
    # The second time, earlier facts must not claim offsets of the topic that is there now.
    for _ in range(2):
        rebuilding.rebuild(rig.settings)
        rig.start_worker()
        ledger.produce(300)
        rig.drain()
        rig.stop_workers()
        events |= event_ids(ledger)
        assert rig.rows("SELECT count() FROM events FINAL") == [(len(events),)]
        assert rig.rows("SELECT sum(n_applied), sum(events_total) FROM customer_state FINAL") == [
            (len(events), len(events))
        ]
        assert rig.rows("SELECT sum(events) FROM customer_daily FINAL") == [(len(events),)]


def event_ids(ledger: Ledger) -> set[tuple[str, str, str]]:
    """Ids of the valid events sent, with their customers: an id counts once per customer."""
    found = set()
    for value in ledger.sent.values():
        if value is not None and ledger.valid[value]:
            event = json.loads(value)
            found.add((event["event_id"], event.get("customer_id"), event.get("anonymous_id")))
    return found


def test_a_disk_from_an_old_backup_catches_up_by_itself(rig: Rig, ledger: Ledger) -> None:
    state = rig.worker_dir(0) / "state"
    backup = rig.data_dir / "backup"
    shutil.copytree(state, backup)
    rig.start_worker()
    ledger.produce(400)
    rig.drain()
    rig.stop_workers()
    shutil.rmtree(state)
    shutil.copytree(backup, state)
    rig.start_worker()
    ledger.produce(200)
    rig.drain()
    assert_nothing_lost_or_counted_twice(rig, ledger)


def test_an_interrupted_rebuild_goes_on_where_it_stopped(
    rig: Rig, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "_CUSTOMERS_PER_STEP", 10)
    steps: list[int] = []

    def interrupt(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuilding.rebuild(rig.settings, on_progress=interrupt)
    assert_the_worker_names_the_rebuild(rig, "rebuild was not finished")
    total = rig.rows("SELECT uniqExact(customer_id) FROM events")[0][0]
    assert rebuilding.rebuild(rig.settings) == total - 20
    rig.start_worker()
    ledger.produce(200)
    rig.drain()
    assert_nothing_lost_or_counted_twice(rig, ledger)


def test_a_rebuild_refuses_to_run_beside_workers(rig: Rig, ledger: Ledger) -> None:
    rig.start_worker()
    rig.wait_ready()
    with pytest.raises(rebuilding.EngageError, match="stop them"):
        rebuilding.rebuild(rig.settings)


def test_transactions_count_when_committed_and_leave_no_trace_when_aborted(rig: Rig, ledger: Ledger) -> None:
    rig.start_worker()
    ledger.produce(600, transactional_id="shop")
    rig.drain()
    assert_nothing_lost_or_counted_twice(rig, ledger)
