"""`engage demo`: a live generator, and a screen that refreshes every second until Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from typing import NoReturn

from rich.console import Console
from rich.live import Live

from streams.cli.demo_screen import Seen, one_line, screen
from streams.cli.demo_stack import Stack
from streams.config import Settings
from streams.errors import EngageError
from streams.ops.clickhouse_client import open_client
from streams.ops.demo_load import DemoLoad
from streams.ops.drain import records_left
from streams.ops.kafka_client import open_sender
from streams.ops.pace import paced
from streams.ops.snapshot import Snapshot, read_snapshot
from streams.ops.visibility import utc_now

_REFRESH_SECONDS = 1.0
_LINE_SECONDS = 5.0
"""Between two lines where there is no terminal."""
_OTHER_LINES = 26
"""Of the screen, beside those for customers and orders."""


def show(stack: Stack, rate: float, console: Console) -> NoReturn:
    """Send at `rate` records per second and show what becomes of them.

    Raises:
        KeyboardInterrupt: the person has seen enough.
        EngageError: the stack or the generator ended.
    """
    load = DemoLoad(seed=1, started_at=utc_now())
    with _sending(load, rate, stack.settings) as sending:
        if console.is_terminal:
            top = min(8, max(2, (console.height - _OTHER_LINES) // 2))
            with Live(console=console, screen=True, auto_refresh=False) as live:
                for seen in _looks(stack, load, sending, _REFRESH_SECONDS, top):
                    live.update(screen(seen), refresh=True)
        console.print(f"live page: {stack.dashboard}", highlight=False, markup=False, soft_wrap=True)
        for seen in _looks(stack, load, sending, _LINE_SECONDS, top=1):
            console.print(one_line(seen), highlight=False, markup=False, soft_wrap=True)
    raise AssertionError("the looks are endless")


@contextmanager
def _sending(load: DemoLoad, rate: float, settings: Settings) -> Iterator[Future[None]]:
    """Sends in a thread as long as the block lasts."""
    enough = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            yield pool.submit(_send, load, rate, settings, enough)
        finally:
            enough.set()


def _send(load: DemoLoad, rate: float, settings: Settings, enough: threading.Event) -> None:
    with open_sender(settings) as sender:
        for _ in paced(repeat(None), rate):
            if enough.is_set():
                return
            sender.send(load.next(utc_now()))


def _looks(
    stack: Stack, load: DemoLoad, sending: Future[None], every_seconds: float, top: int
) -> Iterator[Seen]:
    """Endless: what there is to see, every so often; a server that is away leaves the last look standing.

    `top`: how many customers and orders.
    """
    last = Seen(
        Snapshot([], [], [], {}, None), load.tally, at_seconds=time.monotonic(), dashboard=stack.dashboard
    )
    while True:
        stack.check()
        if sending.done():
            sending.result()
        try:
            last = _look(stack.settings, load, last, top)
        except EngageError as error:
            last = last._replace(note=str(error))
        yield last
        time.sleep(every_seconds)


def _look(settings: Settings, load: DemoLoad, last: Seen, top: int) -> Seen:
    with open_client(settings) as client:
        snapshot = read_snapshot(client, top)
    at_seconds = time.monotonic()
    is_first = last.left is None
    fresh = snapshot.events - last.snapshot.events
    return Seen(
        snapshot,
        load.tally,
        at_seconds,
        events_per_second=None if is_first else fresh / (at_seconds - last.at_seconds),
        left=records_left(settings),
        dashboard=last.dashboard,
    )
