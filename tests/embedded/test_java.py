"""Finding Java: scripts stand in for the Javas that this machine does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.embedded.java import find_java
from streams.errors import MachineError


def fake_java(home: Path, *shown: str) -> Path:
    """A `java` that prints the given lines to standard error, as `-XshowSettings:properties` does."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\n" + "".join(f"echo '    {line}' >&2\n" for line in shown))
    java.chmod(0o755)
    return java


@pytest.fixture(autouse=True)
def _no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing here"))


def test_without_any_java_the_error_names_the_package_java_home_and_docker() -> None:
    with pytest.raises(MachineError, match=r"no `java` on PATH.*openjdk-17.*JAVA_HOME.*docker compose up"):
        find_java()


def test_java_home_without_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(MachineError, match=rf"JAVA_HOME is {tmp_path}, but .*bin/java does not exist"):
        find_java()


@pytest.mark.parametrize(("shown", "version"), [("11", "11"), ("1.8", "8")])
def test_an_old_java_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shown: str, version: str
) -> None:
    fake_java(tmp_path, f"java.home = {tmp_path}", f"java.specification.version = {shown}")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(MachineError, match=rf"is Java {version}, Kafka needs 17"):
        find_java()


def test_something_that_is_no_java_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_java(tmp_path, "hello")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(MachineError, match="does not tell its version"):
        find_java()


def test_a_shim_on_path_is_followed_to_the_real_binary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "a jdk"
    real = fake_java(home)
    shim = fake_java(tmp_path / "shims", f"java.home = {home}", "java.specification.version = 21")
    monkeypatch.setenv("PATH", str(shim.parent))

    assert find_java() == real
