"""Rows that the contract tests send."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

AT = datetime(2026, 11, 22, 5, 0, 1, 123000, tzinfo=timezone.utc)
TABLE = "id UInt64, name String, at DateTime64(3, 'UTC')"
COLUMNS = ["id", "name", "at"]
NASTY = [
    "",
    "plain",
    "it's",
    'a "b" `c`',
    "back\\slash \\n \\0",
    "tab\tline\nfeed\r",
    "nul\0byte",
    "emoji 😀",
    "x" * 128,
]


def rows(count: int, start: int = 0) -> list[list[Any]]:
    """`count` rows of `TABLE` with ids from `start` on."""
    return [[number, f"name-{number}", AT] for number in range(start, start + count)]
