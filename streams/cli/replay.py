"""`engage replay`: send the events of a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from streams.config import load_settings
from streams.errors import EngageError
from streams.ops.event_files import FileFormat, records, shuffled, with_duplicates
from streams.ops.outgoing import Outgoing

if TYPE_CHECKING:
    from rich.progress import Progress

_LINGER_MS = 10


def replay(
    file: Annotated[str, typer.Argument(help="The file to read; `-` is standard input.")],
    file_format: Annotated[
        FileFormat,
        typer.Option(
            "--format",
            help="events-jsonl: one event per line; its channel is the key `channel` (website, chat, "
            "purchase; not sent) or else follows from the type. cdnow, otto: public data sets.",
        ),
    ] = FileFormat.EVENTS_JSONL,
    shuffle: Annotated[
        int | None,
        typer.Option(metavar="SEED", help="Send in a random order.", show_default="the file's order"),
    ] = None,
    duplicate: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="RATIO", help="Share of events sent twice, 0 to 1."),
    ] = 0.0,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="N", help="Events per second.", show_default="as fast as possible"),
    ] = None,
) -> None:
    """Send the events of a file to Kafka, keyed by customer.

    A file with a line that does not have the format is refused before anything is sent.

    Lines of events-jsonl are sent as they stand; `engage rejected list` shows what is not a valid event.

    Sending a file again is safe, as an event counts once.
    """
    from streams.ops.kafka_client import open_sender
    from streams.ops.pace import paced

    settings = load_settings()
    count, events = _load(file, file_format, shuffle, duplicate)
    started = time.monotonic()
    with open_sender(settings, linger_ms=_LINGER_MS) as sender, _progress() as progress:
        for event in progress.track(paced(events, rate), total=count, description="sending"):
            sender.send(event)
    seconds = time.monotonic() - started
    typer.echo(f"sent {sender.sent} events in {seconds:.1f} s to {settings.kafka_bootstrap}")


def _load(
    file: str, file_format: FileFormat, shuffle: int | None, duplicate: float
) -> tuple[int, Iterable[Outgoing]]:
    """The number of records to send, and the records.

    A plain file is read twice, first to check and count; only what must be mixed is held in memory.
    """
    if shuffle is None and not duplicate and Path(file).is_file():
        count = sum(1 for _ in _read(file, file_format))
        return count, _read(file, file_format)
    events = list(_read(file, file_format))
    if duplicate:
        events = with_duplicates(events, duplicate, seed=shuffle or 0)
    if shuffle is not None:
        events = shuffled(events, seed=shuffle)
    return len(events), events


def _read(file: str, file_format: FileFormat) -> Iterator[Outgoing]:
    try:
        with _open(file) as lines:
            yield from records(file_format, lines)
    except OSError as error:
        raise EngageError(f"cannot read {file}: {error.strerror}") from error
    except EngageError as error:
        name = "standard input" if file == "-" else file
        raise EngageError(f"{name}, {error}") from error


@contextmanager
def _open(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as lines:
        yield lines


def _progress() -> Progress:
    """On a terminal a bar that vanishes in the end; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
