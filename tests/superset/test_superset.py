"""Superset itself imports its files, by its own command, and answers every chart and every question.

`make test-superset` makes the environment that this needs.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.superset.bundle import write_zip
from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate
from tests.deploy.superset_files import CHARTS, DASHBOARD, DATABASE, DATASETS
from tests.sql.half_a_year import fill
from tests.sql.question_files import DIRECTORY, QUESTIONS

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = REPOSITORY / ".venv-superset" / "bin"
KINDS = ("databases", "datasets", "charts", "dashboards")
LOOK = Path(__file__).with_name("look.py")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BIN / "superset").exists(), reason="`make test-superset` installs Superset"),
]


Run = Callable[..., str]


@pytest.fixture(scope="module")
def clickhouse(clickhouse_front: str) -> str:
    """The database for Superset, as SQLAlchemy names it."""
    settings = Settings(clickhouse_url=f"{clickhouse_front}/in_superset", clock=Clock.EVENT)
    migrate(settings)
    client = connect(settings)
    fill(client)
    client.close()
    return settings.clickhouse_url.replace("http://", "clickhousedb://bi_reader@")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of Superset's environment, whose metadata is new and whose `admin` has a password."""
    home = tmp_path_factory.mktemp("superset")
    password = secrets.token_hex()
    (home / "superset_config.py").write_text(
        f"SECRET_KEY = {secrets.token_hex()!r}\nSQLALCHEMY_DATABASE_URI = 'sqlite:///{home}/superset.db'\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(home / "superset_config.py"),
        "FLASK_APP": "superset",
        "LOOK_PASSWORD": password,
    }

    def run(*command: str | Path) -> str:
        program, *arguments = map(str, command)
        ended = subprocess.run(
            [BIN / program, *arguments],
            env=environment, cwd=home, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-3_000:]
        return ended.stdout

    run("superset", "db", "upgrade")
    run("superset", "init")
    who = {
        "username": "admin",
        "firstname": "a",
        "lastname": "b",
        "email": "a@shop.example",
        "password": password,
    }
    run(
        "superset",
        "fab",
        "create-admin",
        *(word for name, value in who.items() for word in (f"--{name}", value)),
    )
    return run


@pytest.fixture(scope="module")
def imported(run: Run, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Superset has and answers after the import."""
    bundle = tmp_path_factory.mktemp("zip") / "engagement.zip"
    write_zip(bundle, clickhouse)
    run("superset", "import-dashboards", "--path", bundle, "--username", "admin")
    return look(run)


def look(run: Run) -> dict[str, Any]:
    # What Superset says of its configuration stands before it, on lines of its own.
    return dict(json.loads(run("python", LOOK, DIRECTORY).splitlines()[-1]))


def test_the_import_makes_all_of_it(imported: dict[str, Any]) -> None:
    assert list(imported["databases"]) == [DATABASE["database_name"]]
    assert imported["engines"] == ["ClickHouseConnectEngineSpec"]
    assert set(imported["charts"]) == set(CHARTS)
    assert imported["dashboards"] == {DASHBOARD["dashboard_title"]: sorted(CHARTS)}
    assert imported["datasets"] == {
        name: {column["column_name"]: column["description"] for column in dataset["columns"]}
        for name, dataset in DATASETS.items()
    }


def test_superset_finds_every_view(imported: dict[str, Any]) -> None:
    assert imported["found"] == sorted(DATASETS)


@pytest.mark.parametrize("title", CHARTS)
def test_superset_answers_every_chart(imported: dict[str, Any], title: str) -> None:
    answered = imported["answers"][title]

    assert answered["status"] == 200, answered["error"]
    (result,) = answered["result"]
    assert result["error"] is None
    assert result["rowcount"] > 0


@pytest.mark.parametrize("name", QUESTIONS)
def test_sql_lab_answers_every_question(imported: dict[str, Any], name: str) -> None:
    answered = imported["sql_lab"][name]

    assert answered["status"] == 200, answered["error"]
    assert answered["data"]


def test_a_second_import_makes_nothing_twice(
    run: Run, imported: dict[str, Any], clickhouse: str, tmp_path: Path
) -> None:
    write_zip(tmp_path / "engagement.zip", clickhouse)

    run("superset", "import-dashboards", "--path", tmp_path / "engagement.zip", "--username", "admin")

    now = look(run)
    assert {kind: now[kind] for kind in KINDS} == {kind: imported[kind] for kind in KINDS}
