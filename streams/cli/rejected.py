"""`engage rejected`: what could not become an event, and a second chance for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.rejections import RejectReason
from streams.cli.results import Format, OutputFormat
from streams.config import load_settings
from streams.errors import EngageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from streams.ops.rejects import Outcome, Repaired

rejected = typer.Typer(
    name="rejected",
    add_completion=False,
    no_args_is_help=True,
    help="Records that could not become events: list, export for editing, replay. Nothing is ever lost.",
)

_COLUMNS = """
    rejected_at, reason, detail, source_topic, source_partition, source_offset, replayed_at, payload_preview
"""
_COLUMNS_FOR_PEOPLE = """
    toDateTime(rejected_at) AS "rejected (UTC)",
    reason,
    concat(source_topic, '/', toString(source_partition), '/', toString(source_offset)) AS source,
    detail,
    toDateTime(replayed_at) AS "replayed (UTC)",
    substringUTF8(payload_preview, 1, 60) AS beginning
"""
_ROWS = """
FROM v_rejected_events
WHERE {reason:String} = '' OR reason = {reason:String}
ORDER BY rejected_at DESC, source_topic, source_partition, source_offset
LIMIT {limit:UInt64}
"""
_Reason = Annotated[
    RejectReason | None, typer.Option(help="Only those with this reason.", show_default="all reasons")
]


@rejected.command("list")
def list_(
    reason: _Reason = None,
    limit: Annotated[int, typer.Option(min=1, help="Records at most, the newest first.")] = 20,
    output_format: Format = None,
) -> None:
    """Show rejected records: when (UTC), why, from where, and when a repaired copy was sent."""
    from streams.cli.results import choose, print_query
    from streams.ops.clickhouse_client import open_client

    chosen = choose(output_format)
    columns = _COLUMNS_FOR_PEOPLE if chosen is OutputFormat.TABLE else _COLUMNS
    with open_client(load_settings()) as client:
        parameters = {"reason": _name(reason), "limit": limit}
        print_query(client, f"SELECT {columns} {_ROWS}", chosen, parameters)


@rejected.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write; `-` is standard output.")],
    reason: _Reason = None,
) -> None:
    """Write the records not replayed yet to a file, one JSON object per line, to be repaired in an editor.

    `value` is the event, or its text where it is not JSON, or null if it is not stored whole (above 1 MiB).

    A value that is not UTF-8 is in `value_base64`.
    """
    from streams.ops.clickhouse_client import open_client
    from streams.ops.reject_files import to_line
    from streams.ops.rejects import stored

    with open_client(load_settings()) as client:
        count = _write(file, (to_line(record) for record in stored(client, _name(reason))))
    typer.echo(f"wrote {count} records to {file}", err=True)


@rejected.command()
def replay(
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Repaired records, as `export` wrote them; `-` is standard input.",
            show_default="all records not replayed yet, as they are",
        ),
    ] = None,
    reason: _Reason = None,
) -> None:
    """Send repaired records to the topics they came from, and mark them as replayed.

    A record that would only be rejected again is not sent: that is said, and the status is 1.

    Doing it twice is safe, as an event counts once.
    """
    from streams.ops.clickhouse_client import open_client

    if file is not None and reason is not None:
        raise EngageError("`--reason` chooses among the stored records; leave it out with `--from`")
    with open_client(load_settings()) as client:
        records = _stored(client, _name(reason)) if file is None else _repaired(file)
        outcome = _replay(client, records)
    typer.echo(f"sent {outcome.sent} records, refused {len(outcome.refused)}")
    if outcome.refused:
        _explain(outcome, one_by_one=file is not None)
        raise typer.Exit(1)


def _replay(client: Client, records: Iterable[Repaired]) -> Outcome:
    from functools import partial

    from streams.ops.kafka_client import open_sender
    from streams.ops.rejects import mark_replayed, not_rejected
    from streams.ops.rejects import replay as send_again

    with open_sender(load_settings()) as sender:
        return send_again(
            records,
            now=datetime.now(timezone.utc),
            send=sender.send,
            flush=sender.flush,
            unknown=partial(not_rejected, client),
            mark=partial(mark_replayed, client),
        )


def _stored(client: Client, reason: str) -> Iterator[Repaired]:
    from streams.ops.rejects import Repaired, stored

    # Of a value that is not stored whole the beginning: it is still too large, and that is the reason to say.
    return (Repaired(record.coordinates, record.payload or None) for record in stored(client, reason))


def _repaired(file: Path) -> list[Repaired]:
    """The whole file, so that a wrong line is found before anything is sent."""
    from streams.ops.reject_files import from_lines

    try:
        if str(file) == "-":
            return list(from_lines(sys.stdin.buffer))
        with file.open("rb") as lines:
            return list(from_lines(lines))
    except OSError as error:
        raise EngageError(f"cannot read {file}: {error.strerror}") from error
    except EngageError as error:
        name = "standard input" if str(file) == "-" else file
        raise EngageError(f"{name}, {error}") from error


def _explain(outcome: Outcome, *, one_by_one: bool) -> None:
    if one_by_one:
        for coordinates, rejection in outcome.refused:
            typer.echo(f"{coordinates}: {rejection.reason.value}: {rejection.detail}", err=True)
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in outcome.refused_by_reason().items())
    typer.echo(f"still not valid: {reasons}. Repair them: `engage rejected export FILE`", err=True)


def _write(file: Path, lines: Iterable[bytes]) -> int:
    count = 0
    try:
        with nullcontext(sys.stdout.buffer) if str(file) == "-" else file.open("wb") as out:
            for line in lines:
                out.write(line + b"\n")
                count += 1
    except OSError as error:
        raise EngageError(f"cannot write {file}: {error.strerror}") from error
    return count


def _name(reason: RejectReason | None) -> str:
    return "" if reason is None else reason.value
