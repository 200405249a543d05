"""sql/roles: ClickHouse reads every statement; who may do what is as the contract says.

The embedded engine has no users, so nothing here is executed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_migrations.migrator import Migrator

from streams.dashboard.hub import MOST_LISTENERS
from streams.dashboard.reading import LONGEST_SECONDS, THREADS

ROLES = Path(__file__).parents[2] / "sql" / "roles"
STATEMENTS = [
    (file.stem, statement)
    for file in sorted(ROLES.glob("*.sql"))
    for statement in Migrator.script_to_statements(file.read_text(), True)
]

#: Roles of those who only read, and the user of each.
READERS = {"engagement_bi": "bi_reader", "engagement_dashboard": "engage_dashboard"}


def granted(role: str) -> list[tuple[str, str]]:
    """(rights, on what) of a role."""
    texts = [re.sub(r"--[^\n]*", "", statement) for _, statement in STATEMENTS]
    found = [
        re.search(rf"GRANT\s+(.+?)\s+ON\s+(\S+)\s+TO {role}\s*;?\s*$", text, re.DOTALL) for text in texts
    ]
    return [(" ".join(match[1].split()), match[2]) for match in found if match]


def roles_of(user: str) -> list[str]:
    texts = [text for _, text in STATEMENTS]
    return [match[1] for text in texts if (match := re.search(rf"GRANT (\w+) TO {user}\b", text))]


def statement_of(beginning: str) -> str:
    (text,) = [text for _, text in STATEMENTS if beginning in text]
    return text


def number(statement: str, pattern: str) -> int:
    match = re.search(pattern, statement)
    assert match is not None, pattern
    return int(match[1])


@pytest.mark.parametrize(("file", "statement"), STATEMENTS)
def test_clickhouse_reads_every_statement(client: Client, file: str, statement: str) -> None:
    ((text,),) = client.query("SELECT formatQuery({text:String})", parameters={"text": statement}).result_rows

    assert re.match(r"(CREATE|ALTER|GRANT)\b", text)


@pytest.mark.parametrize(
    "statement", [text for _, text in STATEMENTS if re.search(r"CREATE SETTINGS PROFILE|CREATE QUOTA", text)]
)
def test_every_bounded_setting_is_one_of_this_version(client: Client, statement: str) -> None:
    names = re.findall(r"^\s+(\w+) = ", re.sub(r"--[^\n]*", "", statement), re.MULTILINE)
    known = {name for (name,) in client.query("SELECT name FROM system.settings").result_rows}

    assert set(names) <= known


@pytest.mark.parametrize("role", READERS)
def test_who_reads_reads_the_views_and_nothing_else(role: str) -> None:
    assert granted(role) == [("SELECT", "v_*")]


def test_a_writer_cannot_change_a_table() -> None:
    assert ("SELECT, INSERT", "*") in granted("engagement_writer")
    assert all(set(rights.split(", ")) <= {"SELECT", "INSERT"} for rights, _ in granted("engagement_writer"))


def test_nobody_may_manage_users() -> None:
    roles = (*READERS, "engagement_writer", "engagement_migrator")
    texts = [text for role in roles for text, _ in granted(role)]
    rights = {right for text in texts for right in text.split(", ")}

    assert not rights & {"ALL", "ACCESS MANAGEMENT", "CREATE USER", "ROLE ADMIN", "SOURCES", "SYSTEM"}


@pytest.mark.parametrize("role", READERS)
def test_the_bounds_of_who_reads_cannot_be_lifted(role: str) -> None:
    profile = statement_of(f"CREATE SETTINGS PROFILE OR REPLACE {role} ")

    for bound in ("readonly = 2 CONST", "allow_ddl = 0 CONST"):
        assert bound in profile
    for name in ("max_execution_time", "max_memory_usage", "max_result_rows", "max_threads"):
        # 0 would be no bound, hence MIN 1.
        assert re.search(rf"{name} = \d+ MIN 1 MAX \d+", profile)


@pytest.mark.parametrize(("role", "user"), READERS.items())
def test_who_reads_has_one_quota(role: str, user: str) -> None:
    """Of several that fit a user ClickHouse counts on any one, and on no other."""
    quotas = [text for _, text in STATEMENTS if "CREATE QUOTA" in text]

    assert roles_of(user) == [role]
    assert sum(bool(re.search(rf"\bTO {role}\b", text)) for text in quotas) == 1


def test_two_dashboards_may_ask_what_they_ask() -> None:
    profile = statement_of("CREATE SETTINGS PROFILE OR REPLACE engagement_dashboard ")
    quota = statement_of("CREATE QUOTA OR REPLACE engagement_dashboard ")

    assert number(profile, r"max_execution_time = \d+ MIN 1 MAX (\d+)") >= LONGEST_SECONDS
    assert number(profile, r"max_concurrent_queries_for_user = (\d+)") >= 2 * THREADS
    # The most different subjects: everybody looks at another customer, once a second.
    assert number(quota, r"1 minute MAX queries = (\d+)") >= 2 * MOST_LISTENERS * 60
    assert number(quota, r"execution_time = (\d+)") >= 2 * THREADS * 60


def test_passwords_are_references_to_hashes() -> None:
    identified = [text for _, text in STATEMENTS if "IDENTIFIED" in text]

    assert len(identified) == 8
    assert all(
        re.search(r"IDENTIFIED WITH sha256_hash BY \{\w+_sha256:String\}", text) for text in identified
    )
