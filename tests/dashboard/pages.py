"""The files of the page, as tests read them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streams.dashboard

STATIC: Final = Path(streams.dashboard.__file__).parent / "static"


def modules() -> list[Path]:
    """Our own scripts; what others wrote is in vendor/."""
    return [file for file in sorted(STATIC.rglob("*.js")) if "vendor" not in file.parts]
