"""`engage send`: one event from the shell."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from streams.config import Settings, load_settings
from streams.errors import ConfigError, EngageError

if TYPE_CHECKING:
    from schemas.events import EngagementEvent
    from streams.producer import Delivered

# typer reads these on Python 3.10 too.
Text = Optional[str]  # noqa: UP045


def send(
    event_type: Annotated[
        Text, typer.Argument(metavar="[TYPE]", help="Such as page_viewed; may also come with --json.")
    ] = None,
    customer: Annotated[Text, typer.Option(help="customer_id.")] = None,
    anonymous: Annotated[Text, typer.Option(help="anonymous_id, of a visitor not known yet.")] = None,
    session: Annotated[Text, typer.Option(help="session_id.")] = None,
    source: Annotated[Text, typer.Option(help="The sending system, such as shop-web.")] = None,
    properties: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--property",
            metavar="NAME=TEXT",
            help="One property, any number of times; NAME:=JSON for what is not text: price_minor:=4999.",
        ),
    ] = None,
    event_id: Annotated[
        Text, typer.Option(help="A retry repeats it together with the time.", show_default="a fresh UUID")
    ] = None,
    occurred_at: Annotated[
        Text, typer.Option(help="Such as 2026-11-22T05:00:01.123Z.", show_default="now")
    ] = None,
    channel: Annotated[
        Text, typer.Option(help="website, chat or purchase.", show_default="by the type")
    ] = None,
    json_file: Annotated[
        Text,
        typer.Option("--json", metavar="FILE", help="The event as JSON; `-` is standard input. Options win."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for Kafka.")] = 30.0,
) -> None:
    """Send one event to Kafka, checked first, and print where it is.

    Exit status: 0 Kafka has it, 1 Kafka has not acknowledged it, 2 it is not a valid event.
    """
    settings = load_settings()
    given: dict[str, Any] = {
        "event_id": event_id,
        "type": event_type,
        "occurred_at": occurred_at,
        "customer_id": customer,
        "anonymous_id": anonymous,
        "session_id": session,
        "source": source,
    }
    body = _read_event(json_file) if json_file else {}
    channel = channel or body.pop("channel", None)  # as in the files that `engage replay` reads
    body |= {name: value for name, value in given.items() if value is not None}
    event = _event(_with_properties(body, properties or []))
    at = _deliver(settings, event, channel, timeout)
    typer.echo(
        f"sent {event.type} {event.event_id} to {at.topic}, partition {at.partition}, offset {at.offset}"
    )


def _event(body: dict[str, Any]) -> EngagementEvent:
    from streams.producer import new_event

    if not isinstance(body.get("type"), str):
        raise ConfigError("an event needs a type, such as `engage send page_viewed …`")
    return new_event(**body)


def _deliver(settings: Settings, event: EngagementEvent, channel: str | None, timeout: float) -> Delivered:
    from streams.kafka_security import brokers_of
    from streams.producer import EngagementProducer, NotDelivered

    try:
        with EngagementProducer(
            brokers_of(settings), delivery_timeout_seconds=timeout, linger_ms=0
        ) as producer:
            sent = producer.send(event, channel=channel)
    except NotDelivered as error:
        occurred_at = event.model_dump(mode="json")["occurred_at"]
        raise EngageError(
            f"{error.undelivered[0].reason}. It may have arrived all the same; to try again, so that it "
            f"counts once: --event-id {event.event_id} --occurred-at {occurred_at}"
        ) from error
    return sent.result()


def _with_properties(body: dict[str, Any], given: list[str]) -> dict[str, Any]:
    properties = body.get("properties")
    if not given or not isinstance(properties, (dict, type(None))):
        return body
    return {**body, "properties": {**(properties or {}), **dict(map(_property, given))}}


def _property(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.rstrip(":"):
        raise ConfigError(f"--property {text}: must be NAME=TEXT or NAME:=JSON")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except (ValueError, RecursionError):
        raise ConfigError(f"--property {text}: after := comes JSON, such as 4999, true or [1, 2]") from None


def _read_event(file: str) -> dict[str, Any]:
    try:
        text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        body = json.loads(text)
    except OSError as error:
        raise ConfigError(f"--json {file}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ConfigError(f"--json {file}: is not a JSON object")
    return body
