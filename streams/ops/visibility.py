"""How long an event takes from `send` until the views show it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from streams.errors import EngageError
from streams.ops.kafka_client import Sender
from streams.ops.outgoing import Outgoing, to_outgoing

_SHOWN: Final = "SELECT count() FROM v_customer_360 WHERE customer_id = {customer_id:String}"
_LOOK_SECONDS: Final = 0.01
_PATIENCE_SECONDS: Final = 30.0


class Latency(NamedTuple):
    """Seconds from `send` until a query of v_customer_360 has returned the customer."""

    probes: int
    p50_seconds: float
    p95_seconds: float


def probe_events(run_id: str, now: Callable[[], datetime]) -> Iterator[tuple[str, Outgoing]]:
    """Endless: (customer id, event), each the first event of a customer of its own."""
    number = 0
    while True:
        number += 1
        customer_id = f"probe-{run_id}-{number}"
        event = {
            "event_id": f"{run_id}-probe-{number}",
            "type": "page_viewed",
            "occurred_at": now().isoformat(timespec="milliseconds"),
            "customer_id": customer_id,
            "source": "engage-demo",
            "properties": {"url": "https://shop.example/"},
        }
        yield customer_id, to_outgoing("website", event)


def seconds_until_visible(client: Client, sender: Sender, customer_id: str, event: Outgoing) -> float:
    """Send one event and look again and again until its customer is shown.

    Raises:
        EngageError: it is not there after 30 seconds.
    """
    sent = time.monotonic()
    sender.send(event)
    while not client.query(_SHOWN, parameters={"customer_id": customer_id}).result_rows[0][0]:
        if time.monotonic() - sent > _PATIENCE_SECONDS:
            raise EngageError(f"an event was not visible after {_PATIENCE_SECONDS:g} s: see the worker's log")
        time.sleep(_LOOK_SECONDS)
    return time.monotonic() - sent


def latency(seconds: Sequence[float]) -> Latency:
    """Median and 95th percentile of at least two measurements."""
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return Latency(len(seconds), cuts[9], cuts[18])


def utc_now() -> datetime:
    return datetime.now(timezone.utc)
