"""`engage restate`: changed rules are in force while the stream runs on, whatever happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from streams.errors import MigrationError, RulesError
from streams.migrations import migrate, sql_directory
from streams.ops.restate import STEPS, Run, renew_views, restate, switch
from streams.rules.claim import claimed
from streams.rules.in_force import check_rules, difference, read_rules
from streams.rules.model import DEFAULT_RULES, load_rules
from tests.ops.restating import QUESTIONS, Days, by_customer, rule_columns, rules_file, shown, slowly_inserted
from tests.sql.scenario import empty


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A database without rows, with the built-in rules in force."""
    with closing(connect(migrated)) as client:
        empty(client)
        client.command("INSERT INTO settings (key, value) VALUES ('restate', '')")
        for step in STEPS:
            if step is not renew_views:  # no test here changes what views name
                step(Run(migrated, client, DEFAULT_RULES))
    return migrated


@pytest.fixture
def changed(settings: Settings, tmp_path: Path) -> Settings:
    """Settings that name a file with other rules."""
    return settings.model_copy(update={"rules_file": rules_file(tmp_path / "rules.toml")})


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    with closing(connect(settings)) as client:
        yield client


@pytest.fixture
def days(client: Client) -> Days:
    days = Days(seed=7)
    days.write(client, 150)
    return days


def test_all_rows_follow_the_new_rules(
    settings: Settings, changed: Settings, client: Client, days: Days
) -> None:
    assert shown(client) == days.expected(DEFAULT_RULES.score)
    assert restate(changed) == "score.weights.page_viewed.points: 3.0, not 1.0"
    days.write(client)
    assert shown(client) == days.expected(load_rules(changed.rules_file).score)
    assert read_rules(client) == load_rules(changed.rules_file)
    restate(settings)
    assert shown(client) == days.expected(DEFAULT_RULES.score)


def test_rows_that_are_written_meanwhile_are_right(changed: Settings, client: Client, days: Days) -> None:
    with days.written_meanwhile(changed):
        restate(changed)
    assert shown(client) == days.expected(load_rules(changed.rules_file).score)
    assert len(rule_columns(client)) == 1


def test_rows_of_an_insert_that_began_before_and_ended_after_are_right(
    changed: Settings, client: Client
) -> None:
    slow = (
        "INSERT INTO customer_daily (customer_id, day, channel, events, counts) "
        "SELECT concat('c-', toString(number)), today(), 'website', 3, map('page_viewed', 2) "
        "FROM numbers(5) WHERE sleepEachRow(1) = 0 SETTINGS max_block_size = 1"
    )
    with slowly_inserted(client, changed, slow):
        restate(changed)
    rows = client.query(
        "SELECT customer_id, points FROM v_customer_windows WHERE window_name = '7d'"
    ).result_rows
    assert dict(rows) == {f"c-{n}": 6.0 for n in range(5)}


@pytest.mark.slow
@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_after_each_step_one_set_of_rules_is_shown_and_a_second_run_ends_it(
    changed: Settings, client: Client, days: Days, done: int
) -> None:
    rules = load_rules(changed.rules_file)
    with days.written_meanwhile(changed):
        for step in STEPS[:done]:
            step(Run(changed, client, rules))
    has_switched = done > STEPS.index(switch)
    assert shown(client) == days.expected(rules.score if has_switched else DEFAULT_RULES.score)
    restate(changed)
    days.write(client)
    assert shown(client) == days.expected(rules.score)
    assert len(rule_columns(client)) == 1
    assert difference(changed) is None


@pytest.mark.slow
@pytest.mark.parametrize("done", range(len(STEPS)))
def test_an_interrupted_restate_gives_way_to_one_with_yet_other_rules(
    changed: Settings, client: Client, days: Days, tmp_path: Path, done: int
) -> None:
    for step in STEPS[:done]:
        step(Run(changed, client, load_rules(changed.rules_file)))
    third = changed.model_copy(update={"rules_file": rules_file(tmp_path / "third.toml", page=7, other=0.5)})
    restate(third)
    assert shown(client) == days.expected(load_rules(third.rules_file).score)
    assert len(rule_columns(client)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("done", range(len(STEPS)))
def test_migrate_shows_the_rules_in_force_after_an_interrupted_restate(
    changed: Settings, client: Client, days: Days, done: int
) -> None:
    for step in STEPS[:done]:
        step(Run(changed, client, load_rules(changed.rules_file)))
    migrate(changed)
    in_force = read_rules(client)
    assert in_force is not None
    assert shown(client) == days.expected(in_force.score)
    assert (in_force == DEFAULT_RULES) == (done < len(STEPS) - 1)


def test_no_answer_is_mixed_and_none_is_old_after_a_new_one(
    settings: Settings, changed: Settings, client: Client, days: Days
) -> None:
    old, new = days.expected(DEFAULT_RULES.score), days.expected(load_rules(changed.rules_file).score)
    answers: list[str] = []
    ended = threading.Event()

    def ask(reader: Client) -> None:
        for number, question in enumerate(QUESTIONS):
            answer = by_customer(reader, question)
            of_old, of_new = ({c: row[number] for c, row in rows.items()} for rows in (old, new))
            answers.append("old" if answer == of_old else "new" if answer == of_new else "mixed")

    def ask_until_ended() -> None:
        with closing(connect(settings)) as reader:
            while not ended.is_set():
                ask(reader)
            ask(reader)

    thread = threading.Thread(target=ask_until_ended)
    ask(client)
    thread.start()
    restate(changed)
    ended.set()
    thread.join()
    assert set(answers) == {"old", "new"}
    assert answers == sorted(answers, reverse=True)


def test_only_the_half_point_may_change(
    settings: Settings, client: Client, days: Days, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[score]\nhalf_point = 10\n")
    columns = rule_columns(client)
    restate(settings.model_copy(update={"rules_file": path}))
    assert shown(client) == days.expected(load_rules(path).score)
    assert rule_columns(client) == columns


def test_numbers_that_views_name_follow(settings: Settings, client: Client, tmp_path: Path) -> None:
    client.command(
        "INSERT INTO customer_state (customer_id, purchase_days, first_purchase_on, last_purchase_at) "
        "VALUES ('c', 1, today(), now64(3))"
    )
    path = tmp_path / "rules.toml"
    path.write_text("[churn]\npopulation_gap_days = 45\n")
    expected = "SELECT expected_gap_days FROM v_customer_360"
    assert client.query(expected).result_rows == [(30.0,)]
    restate(settings.model_copy(update={"rules_file": path}))
    assert client.query(expected).result_rows == [(45.0,)]
    restate(settings)
    assert client.query(expected).result_rows == [(30.0,)]


def test_an_empty_database_is_restated(changed: Settings, client: Client) -> None:
    restate(changed)
    assert shown(client) == {}
    assert read_rules(client) == load_rules(changed.rules_file)


def test_there_may_be_nothing_to_do(settings: Settings, client: Client, days: Days) -> None:
    assert restate(settings) is None
    assert shown(client) == days.expected(DEFAULT_RULES.score)


def test_progress_ends_with_all_rows(changed: Settings, client: Client, days: Days) -> None:
    told: list[tuple[int, int]] = []
    restate(changed, on_progress=lambda done, total: told.append((done, total)))
    assert all(done <= total for done, total in told)
    done, total = told[-1]
    assert done == total > 0


def test_of_two_at_once_the_second_is_refused(changed: Settings, client: Client, days: Days) -> None:
    with claimed(changed, client):
        for command in (restate, migrate):
            with pytest.raises(RulesError, match="`engage restate` is at work"):
                command(changed)
    assert shown(client) == days.expected(DEFAULT_RULES.score)
    restate(changed)
    assert difference(changed) is None


def test_one_that_lost_its_claim_ends(changed: Settings, client: Client) -> None:
    with claimed(changed, client) as first:
        client.command("INSERT INTO settings (key, value) VALUES ('restate', 'somebody else')")
        with pytest.raises(RulesError, match="another `engage restate` has begun"):
            first.check()


def test_one_that_was_killed_does_not_hinder_for_long(changed: Settings, client: Client, days: Days) -> None:
    client.command("INSERT INTO settings VALUES ('restate', 'killed', now64(3) - 31)")
    restate(changed)
    assert shown(client) == days.expected(load_rules(changed.rules_file).score)


def test_a_new_database_has_the_rules_of_the_file(clickhouse_front: str, tmp_path: Path) -> None:
    path = rules_file(tmp_path / "rules.toml")
    settings = Settings(clickhouse_url=f"{clickhouse_front}/restate_new", rules_file=path)
    migrate(settings)
    with closing(connect(settings)) as client:
        days = Days(seed=3)
        days.write(client)
        assert shown(client) == days.expected(load_rules(path).score)
    check_rules(settings)


def test_migrate_leaves_other_rules_in_force(changed: Settings, client: Client, days: Days) -> None:
    migrate(changed)
    assert shown(client) == days.expected(DEFAULT_RULES.score)
    assert read_rules(client) == DEFAULT_RULES


def test_a_worker_with_other_rules_is_refused_in_one_line(settings: Settings, changed: Settings) -> None:
    check_rules(settings)
    with pytest.raises(RulesError) as error:
        check_rules(changed)
    message = str(error.value)
    assert str(changed.rules_file) in message
    assert "score.weights.page_viewed.points: 3.0, not 1.0" in message
    assert "engage restate" in message
    assert "\n" not in message


def test_points_that_a_worker_of_before_has_written_are_computed_anew(clickhouse_front: str) -> None:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/restate_upgrade")
    with closing(connect(settings, database="default")) as client:
        client.command("CREATE DATABASE restate_upgrade")
    with closing(connect(settings)) as client:
        statements = (sql_directory() / "migrations" / "0002_customers.sql").read_text().split("\n\n")
        client.command(next(text for text in statements if "EXISTS customer_daily" in text).strip(";\n"))
        client.command("INSERT INTO customer_daily (customer_id, counts, points) VALUES ('c', {'a': 3}, 99)")
        migrate(settings)
        assert client.query("SELECT points FROM customer_daily FINAL").result_rows == [(3.0,)]


def test_a_database_that_was_never_migrated_is_named(clickhouse_front: str) -> None:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/restate_nothing")
    with closing(connect(settings, database="default")) as client:
        client.command("CREATE DATABASE restate_nothing")
    for command in (restate, check_rules):
        with pytest.raises(MigrationError, match="run `engage migrate`"):
            command(settings)
