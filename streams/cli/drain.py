"""`engage drain`: wait until everything sent so far is visible."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from streams.config import load_settings


def drain(
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait.")] = 60.0,
) -> None:
    """Wait until every event sent before this call is visible in ClickHouse and committed.

    Ends with status 1, and says which partitions lag, if that takes longer than the timeout.
    """
    from rich.console import Console

    from streams.ops.drain import drain as wait

    settings = load_settings()
    started = time.monotonic()
    with Console(stderr=True).status("looking") as status:
        wait(settings, timeout, on_lag=lambda lag: status.update(f"{lag:,} records left"))
    typer.echo(f"everything is visible, after {time.monotonic() - started:.1f} s")
