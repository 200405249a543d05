"""`engage generate`: live traffic of a made-up shop."""

from __future__ import annotations

import signal
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from streams.config import load_settings

if TYPE_CHECKING:
    from streams.ops.kafka_client import Sender
    from streams.ops.traffic import Traffic

_SAY_SECONDS = 0.5


def generate(
    rate: Annotated[float, typer.Option(min=0.001, max=20_000, help="Events per second.")] = 20.0,
    customers: Annotated[int, typer.Option(min=1, help="Number of known customers.")] = 1_000,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Seconds to run.", show_default="until Ctrl-C")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes visitors do the same things.")] = 1,
) -> None:
    """Send website, chat and purchase events of a made-up shop as they happen.

    Few customers visit often and many rarely, some anonymously; they look, search, chat, buy and return.

    Every run has event ids of its own.
    """
    from streams.ops.kafka_client import open_sender
    from streams.ops.traffic import Traffic

    settings = load_settings()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    with open_sender(settings) as sender:
        try:
            traffic = Traffic(seed=seed, customers=customers, started_at=_now())
            _send(traffic, sender, rate, None if seconds is None else started + seconds)
        except KeyboardInterrupt:
            pass  # the way to end it; what was sent is acknowledged on leaving the block
    elapsed_seconds = time.monotonic() - started
    typer.echo(f"sent {sender.sent} events in {elapsed_seconds:.1f} s to {settings.kafka_bootstrap}")


def _send(traffic: Traffic, sender: Sender, rate: float, until: float | None) -> None:
    """Send at `rate` until the monotonic instant `until`; on a terminal a line tells how far it is."""
    from itertools import repeat

    from rich.console import Console

    from streams.ops.pace import paced

    said = 0.0
    with Console(stderr=True).status("generating") as status:
        for _ in paced(repeat(None), rate):
            now = time.monotonic()
            if until is not None and now >= until:
                return
            sender.send(traffic.next(_now()))
            if now - said > _SAY_SECONDS:
                said = now
                status.update(f"{sender.sent:,} events sent; Ctrl-C stops")


def _now() -> datetime:
    return datetime.now(timezone.utc)
