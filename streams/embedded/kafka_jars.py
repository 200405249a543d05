"""Kafka's jars: those of KAFKA_HOME, else those that Maven has copied below the venv."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from streams.embedded.java import DOCKER_HINT
from streams.errors import MachineError

POM = Path(__file__).with_name("pom.xml")
_STAMP = "pom.sha256"


def jar_dir() -> Path:
    """The directory whose `*.jar` are Kafka's classpath.

    Raises:
        MachineError: KAFKA_HOME holds no jars; or it is not set and the jars are not installed.
    """
    kafka_home = os.environ.get("KAFKA_HOME")
    if kafka_home:
        libs = Path(kafka_home) / "libs"
        if not any(libs.glob("kafka-clients-*.jar")):
            raise MachineError(
                f"KAFKA_HOME is {kafka_home}, but {libs} holds no Kafka jars: unpack Apache Kafka 4 there, "
                f"or unset it and run `make setup`, {DOCKER_HINT}"
            )
        return libs
    if not is_installed():
        raise MachineError(
            f"Kafka's jars are not in {install_dir()}: run `make setup` (it needs Maven, `mvn`), "
            f"or set KAFKA_HOME to an unpacked Apache Kafka 4, {DOCKER_HINT}"
        )
    return install_dir()


def install_dir() -> Path:
    return Path(sys.prefix) / "share" / "engagement-streams" / "kafka"


def is_installed() -> bool:
    """Whether the jars of exactly this pom.xml are there, all of them."""
    stamp = install_dir() / _STAMP
    return stamp.exists() and stamp.read_text() == _fingerprint()


def install() -> Path:
    """Let Maven copy the jars below the venv; at once done when they are there.

    The directory appears complete or not at all, so an interrupted run is simply repeated.

    Raises:
        MachineError: Maven is missing or fails.
    """
    target = install_dir()
    if is_installed():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kafka-", dir=target.parent) as scratch:
        fresh = Path(scratch) / "jars"
        _run_maven(fresh)
        (fresh / _STAMP).write_text(_fingerprint())
        shutil.rmtree(target, ignore_errors=True)
        fresh.replace(target)
    return target


def _fingerprint() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def _run_maven(output_dir: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MachineError(
            "Kafka's jars come through Maven, and there is no `mvn` on PATH: install Maven, "
            f"or set KAFKA_HOME to an unpacked Apache Kafka 4, {DOCKER_HINT}"
        )
    copy = [maven, "-B", "-q", "-f", str(POM), "dependency:copy-dependencies"]
    done = subprocess.run(  # noqa: S603 - a fixed command
        [*copy, "-DincludeScope=runtime", f"-DoutputDirectory={output_dir}"], capture_output=True, text=True
    )
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["no message"]
        raise MachineError(f"Maven could not fetch Kafka's jars (`{' '.join(copy)}`): {lines[0]}")
