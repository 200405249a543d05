"""Finds the Java that runs the embedded Kafka."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from streams.errors import MachineError

MIN_JAVA = 17
DOCKER_HINT = "or use Docker: `docker compose up`"
_MEND = f"install it (for example openjdk-{MIN_JAVA}-jre-headless), or set JAVA_HOME to one, {DOCKER_HINT}"


def find_java() -> Path:
    """The `java` binary of JAVA_HOME, else of PATH; symbolic links and version-manager shims are followed.

    The binary itself matters: the process that is started must be the JVM, so that its pid can be signalled.

    Raises:
        MachineError: there is none, it does not run, or it is older than Java 17.
    """
    launcher = _launcher()
    version, home = _properties(launcher)
    if version < MIN_JAVA:
        raise MachineError(f"{launcher} is Java {version}, Kafka needs {MIN_JAVA}: {_MEND}")
    binary = home / "bin" / "java"
    return binary if binary.exists() else launcher


def _launcher() -> Path:
    java_home = os.environ.get("JAVA_HOME")
    if java_home:
        java = Path(java_home) / "bin" / "java"
        if not java.exists():
            raise MachineError(f"JAVA_HOME is {java_home}, but {java} does not exist: {_MEND}")
        return java
    found = shutil.which("java")
    if found is None:
        raise MachineError(f"Kafka needs Java {MIN_JAVA}, and there is no `java` on PATH: {_MEND}")
    return Path(found)


def _properties(launcher: Path) -> tuple[int, Path]:
    """(major version, java.home) as the JVM itself reports them."""
    try:
        shown = subprocess.run(  # noqa: S603 - the machine's own java
            [launcher, "-XshowSettings:properties", "-version"], capture_output=True, text=True, timeout=60
        ).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{launcher} does not run ({error}): {_MEND}") from error
    # Java 8 calls itself 1.8.
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", shown)
    home = re.search(r"java\.home = (.+)", shown)
    if version is None or home is None:
        raise MachineError(f"{launcher} does not tell its version: {_MEND}")
    return int(version[1]), Path(home[1].strip())
