"""`engage lag`: how far the workers are behind."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from streams.config import Settings, load_settings

if TYPE_CHECKING:
    from streams.core.lag import Measurement
    from streams.ops.lag import Watched


def lag(
    group: Annotated[
        Optional[list[str]],  # noqa: UP045 (typer reads it on Python 3.10 too)
        typer.Option(help="Consumer group; may be given several times. [default: ENGAGE_GROUP_ID]"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One list of objects; with --watch one per line.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Measure again and again until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two measurements of --watch.")] = 2.0,
) -> None:
    """Show how far the workers are behind, in offsets and in seconds, partition by partition.

    Seconds are the age, by the broker, of the oldest record that is not committed yet; the workers may be
    dead. Where a group has committed nothing its lag is -1, and seconds count from the log's start.
    """
    from streams.ops.lag import Watched, open_lag_reader

    settings = load_settings()
    watched = Watched(group or [settings.group_id])
    if watch:
        _watch(settings, watched, every, as_json)
    else:
        with open_lag_reader(settings, watched) as reader:
            _print(reader.measure(), as_json)


def _watch(settings: Settings, watched: Watched, every: float, as_json: bool) -> None:
    """Endless; what goes wrong is told and tried again."""
    from contextlib import closing

    from streams.cli.results import page_console
    from streams.errors import EngageError
    from streams.ops.lag import measurements

    console = page_console()
    with closing(measurements(settings, watched)) as steps:
        for outcome in steps:
            if not as_json:
                console.clear()
            if isinstance(outcome, EngageError):
                typer.echo(f"engage: {outcome}", err=True)
            else:
                _print(outcome, as_json)
            time.sleep(every)


def _print(measurement: Measurement, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([partition._asdict() for partition in measurement.partitions]))
        return
    from streams.cli.lag_page import lag_page
    from streams.cli.results import page_console

    page_console().print(lag_page(measurement))
