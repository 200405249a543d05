"""`python -m deploy.superset`: writes the YAML sources beside this file, and the zip that Superset imports.

A test compares the sources with the code. `--uri` goes into the zip only.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

from deploy.superset.bundle import files, write_zip
from deploy.superset.datasets import DEFAULT_URI

DIRECTORY: Final = Path(__file__).parent / "engagement-streams"


def write_sources() -> None:
    """Make the directory anew, so that nothing is left of charts that are no more."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    for path, text in files().items():
        file = DIRECTORY / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m deploy.superset", description="Superset's import file")
    parser.add_argument(
        "--uri", default=DEFAULT_URI, help="SQLAlchemy URI of ClickHouse (default: %(default)s)"
    )
    parser.add_argument("--zip", type=Path, default=Path("build/superset-engagement-streams.zip"))
    arguments = parser.parse_args()
    write_sources()
    arguments.zip.parent.mkdir(parents=True, exist_ok=True)
    write_zip(arguments.zip, arguments.uri)
    print(arguments.zip)
