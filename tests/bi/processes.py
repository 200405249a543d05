"""Clients in processes of their own: Node, Go, and Java with drivers that Maven fetches.

They run in a zone half an hour off, where many who read the views will be: an instant stays what it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bi.place import PARAMETRIZED, READER, Place
from tests.bi.reading import Line

ZONE: Final = "Asia/Kolkata"
_GO: Final = Path(__file__).with_name("go")
_NODE: Final = Path(__file__).with_name("node")
_JDBC: Final = Path(__file__).with_name("jdbc")
_INSTALL_SECONDS: Final = 240
_READ_SECONDS: Final = 300


def missing(*programs: str) -> str:
    """What this machine lacks; '' if nothing."""
    absent = [program for program in programs if not shutil.which(program)]
    return f"needs {' and '.join(absent)}" if absent else ""


def node_lines(place: Place, statements: Sequence[str]) -> Iterator[Line]:
    install = ["npm", "install", "--loglevel=error"]
    _install_once(install, _NODE / "node_modules", _NODE / "package.json")
    command = ["node", str(_NODE / "reader.mjs"), place.url, place.database, PARAMETRIZED]
    return _lines(command, statements)


def jdbc_lines(
    place: Place, statements: Sequence[str], version: str, properties: dict[str, str]
) -> Iterator[Line]:
    """By this version of the driver, with the properties that a tool gives to it."""
    pom, jars = _JDBC / "pom.xml", _JDBC / "target" / version
    copy = ["mvn", "-q", "-B", "-f", str(pom), f"-Ddriver.version={version}", "dependency:copy-dependencies"]
    _install_once([*copy, f"-DoutputDirectory={jars}"], jars, pom)
    pairs = [f"{name}={value}" for name, value in {"user": READER, "password": "", **properties}.items()]
    url = f"jdbc:clickhouse://127.0.0.1:{place.port}/{place.database}"
    command = [
        "java",
        "-cp",
        f"{jars}/*",
        str(_JDBC / "Reader.java"),
        url,
        place.database,
        PARAMETRIZED,
        *pairs,
    ]
    return _lines(command, statements)


def go_lines(place: Place, statements: Sequence[str]) -> Iterator[Line]:
    """Built from copies: Go writes into go.mod what the requirement asks for."""
    target = _GO / "target"
    target.mkdir(exist_ok=True)
    for source in ("go.mod", "main.go"):
        shutil.copy(_GO / source, target)
    build = ["go", "build", "-C", str(target), "-mod=mod", "-o", "reader", "."]
    _install_once(build, target, _GO / "go.mod", _GO / "main.go")
    address = f"127.0.0.1:{place.port}"
    return _lines([str(target / "reader"), address, place.database, PARAMETRIZED], statements)


def _install_once(command: list[str], directory: Path, *wanted: Path) -> None:
    """Run `command`, which fills `directory`, unless it was run for this very content of `wanted`."""
    stamp = directory / ".installed"
    fingerprint = hashlib.sha256(b"".join(path.read_bytes() for path in wanted)).hexdigest()
    if not stamp.exists() or stamp.read_text() != fingerprint:
        subprocess.run(command, cwd=wanted[0].parent, check=True, timeout=_INSTALL_SECONDS)
        stamp.write_text(fingerprint)


def _lines(command: list[str], statements: Sequence[str]) -> Iterator[Line]:
    done = subprocess.run(
        command,
        input="\0".join(statements),
        env={**os.environ, "TZ": ZONE},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_READ_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return (json.loads(line) for line in done.stdout.split("\n") if line)
