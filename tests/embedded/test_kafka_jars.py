"""Installing Kafka's jars: a script stands in for Maven."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from streams.embedded.kafka_jars import install, jar_dir
from streams.errors import MachineError

COPY = """#!/bin/sh
echo called >> "$0.calls"
for word in "$@"; do case "$word" in -DoutputDirectory=*) directory="${word#*=}";; esac; done
/bin/mkdir -p "$directory" && echo jar > "$directory/kafka-clients-4.jar"
"""
FAIL = """#!/bin/sh
echo '[ERROR] no route to the repository'
exit 1
"""


@pytest.fixture(autouse=True)
def _empty_venv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KAFKA_HOME", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "a venv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def maven(directory: Path, script: str) -> Path:
    mvn = directory / "bin" / "mvn"
    mvn.parent.mkdir(exist_ok=True)
    mvn.write_text(script)
    mvn.chmod(0o755)
    return mvn


def test_without_jars_the_error_names_setup_kafka_home_and_docker() -> None:
    with pytest.raises(MachineError, match=r"`make setup`.*KAFKA_HOME.*docker compose up"):
        jar_dir()


def test_without_maven_the_error_names_it_and_the_alternatives() -> None:
    with pytest.raises(MachineError, match=r"no `mvn` on PATH.*KAFKA_HOME.*docker compose up"):
        install()


def test_jars_are_installed_once(tmp_path: Path) -> None:
    mvn = maven(tmp_path, COPY)

    assert install() == install() == jar_dir()
    assert (jar_dir() / "kafka-clients-4.jar").exists()
    assert mvn.with_name("mvn.calls").read_text() == "called\n"


def test_another_pom_installs_the_jars_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mvn = maven(tmp_path, COPY)
    install()
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>")
    monkeypatch.setattr("streams.embedded.kafka_jars.POM", pom)

    install()

    assert mvn.with_name("mvn.calls").read_text() == "called\ncalled\n"


def test_a_failing_maven_is_one_line_with_its_first_error_and_leaves_nothing(tmp_path: Path) -> None:
    maven(tmp_path, FAIL)

    with pytest.raises(MachineError, match="no route to the repository") as failure:
        install()

    assert "\n" not in str(failure.value)
    assert list((tmp_path / "a venv" / "share" / "engagement-streams").iterdir()) == []


def test_kafka_home_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    libs = tmp_path / "kafka" / "libs"
    libs.mkdir(parents=True)
    (libs / "kafka-clients-4.1.1.jar").touch()
    monkeypatch.setenv("KAFKA_HOME", str(libs.parent))

    assert jar_dir() == libs


def test_kafka_home_without_jars_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))

    with pytest.raises(MachineError, match=rf"KAFKA_HOME is {tmp_path}, but .*libs holds no Kafka jars"):
        jar_dir()
