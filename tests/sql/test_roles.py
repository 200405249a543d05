"""sql/roles: ClickHouse reads every statement; who may do what is as the contract says.

The embedded engine has no users, so nothing here is executed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_migrations.migrator import Migrator

ROLES = Path(__file__).parents[2] / "sql" / "roles"
STATEMENTS = [
    (file.stem, statement)
    for file in sorted(ROLES.glob("*.sql"))
    for statement in Migrator.script_to_statements(file.read_text(), True)
]


def granted(role: str) -> list[tuple[str, str]]:
    """(rights, on what) of a role."""
    texts = [re.sub(r"--[^\n]*", "", statement) for _, statement in STATEMENTS]
    found = [
        re.search(rf"GRANT\s+(.+?)\s+ON\s+(\S+)\s+TO {role}\s*;?\s*$", text, re.DOTALL) for text in texts
    ]
    return [(" ".join(match[1].split()), match[2]) for match in found if match]


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


def test_bi_reads_the_views_and_nothing_else() -> None:
    assert granted("engagement_bi") == [("SELECT", "v_*")]


def test_a_writer_cannot_change_a_table() -> None:
    assert ("SELECT, INSERT", "*") in granted("engagement_writer")
    assert all(set(rights.split(", ")) <= {"SELECT", "INSERT"} for rights, _ in granted("engagement_writer"))


def test_nobody_may_manage_users() -> None:
    roles = ("engagement_bi", "engagement_writer", "engagement_migrator")
    texts = [text for role in roles for text, _ in granted(role)]
    rights = {right for text in texts for right in text.split(", ")}

    assert not rights & {"ALL", "ACCESS MANAGEMENT", "CREATE USER", "ROLE ADMIN", "SOURCES", "SYSTEM"}


def test_the_bounds_of_bi_cannot_be_lifted() -> None:
    (profile,) = [text for _, text in STATEMENTS if "PROFILE OR REPLACE engagement_bi" in text]

    for bound in ("readonly = 2 CONST", "allow_ddl = 0 CONST"):
        assert bound in profile
    for name in ("max_execution_time", "max_memory_usage", "max_result_rows", "max_threads"):
        # 0 would be no bound, hence MIN 1.
        assert re.search(rf"{name} = \d+ MIN 1 MAX \d+", profile)


def test_passwords_are_references_to_hashes() -> None:
    identified = [text for _, text in STATEMENTS if "IDENTIFIED" in text]

    assert len(identified) == 6
    assert all(
        re.search(r"IDENTIFIED WITH sha256_hash BY \{\w+_sha256:String\}", text) for text in identified
    )
