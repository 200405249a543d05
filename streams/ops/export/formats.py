"""The formats of an exported file."""

from __future__ import annotations

from enum import Enum


class ExportFormat(str, Enum):
    """`arrow` is a file (Feather), not a stream."""

    CSV = "csv"
    PARQUET = "parquet"
    ARROW = "arrow"
