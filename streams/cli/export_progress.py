"""How far `engage export` is: a line on standard error, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.ops.export.destination import STANDARD_OUTPUT
from streams.ops.export.formats import ExportFormat

_MIB: Final = 1 << 20


class Written:
    """Counts what has been written. Of CSV it knows the rows, the names in the first line left out."""

    def __init__(self, export_format: ExportFormat) -> None:
        self._is_csv = export_format is ExportFormat.CSV
        self._bytes = 0
        self._lines = 0
        self._is_quoted = False

    def add(self, piece: bytes) -> None:
        self._bytes += len(piece)
        if self._is_csv:
            self._count_lines(piece)

    def _count_lines(self, piece: bytes) -> None:
        """A line ends outside of quotes; a doubled quote closes and opens again."""
        between_quotes = piece.split(b'"')
        outside = between_quotes[1 if self._is_quoted else 0 :: 2]
        self._lines += sum(text.count(b"\n") for text in outside)
        self._is_quoted ^= len(between_quotes) % 2 == 0

    def line(self, seconds: float) -> str:
        """Such as `1,234 rows · 1.2 MiB · 617 rows/s`."""
        mib = self._bytes / _MIB
        if not self._is_csv:
            return f"{mib:,.1f} MiB · {mib / seconds:,.1f} MiB/s"
        rows = max(0, self._lines - 1)
        return f"{rows:,} rows · {mib:,.1f} MiB · {rows / seconds:,.0f} rows/s"


@contextmanager
def shown(file: Path, export_format: ExportFormat) -> Iterator[Callable[[bytes], None]]:
    """Gives what to tell each piece written; in the end the line stays, if all went well."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal or (file == STANDARD_OUTPUT and sys.stdout.isatty()):
        yield lambda _: None
        return
    written, started = Written(export_format), time.monotonic()

    def line() -> Text:
        return Text(f"{file}: {written.line(max(time.monotonic() - started, 1e-3))}")

    with Live(console=console, get_renderable=line, transient=True, redirect_stdout=False):
        yield written.add
    console.print(line())
