"""Made-up but realistic events, the same for the same workload.

What a shop's topics hold after three days, in the order of sending. Customers come in visits with the
proportions of the OTTO sample (real sessions of a web shop, cut at half an hour of silence): six events on
average, half a minute between two of them (median; 75 s on average), so that three events share a
five-minute bucket. Whose visit it is follows a power law (Zipf-Mandelbrot with exponent 1) with the
proportions that Pareto is known for: the busiest fifth has four fifths of the events, and of 100,000
customers the busiest one has 0.4 %, the busiest 1,000 have 44 %.

`visit_events=1` makes every event the visit of another customer: live traffic at the rates that are measured
here, where a flush covers a second or two, in which one customer does one thing.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from heapq import heappop, heappush
from math import log
from random import Random
from typing import Any, Final, NamedTuple
from zlib import crc32

import orjson

from schemas.topics import CHANNEL_OF_TOPIC, CHAT, PURCHASE, WEBSITE, partition_of

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
SPAN_MS: Final = 3 * _DAY_MS
#: The last visits to begin have this long until their events are as many as those of earlier ones.
_ENDING_MS: Final = _HOUR_MS
_LATE_MS: Final = 2 * 60_000
_PAUSE_MEDIAN_LOG_MS: Final = log(30_000)
#: Makes the mean two and a half times the median.
_PAUSE_SIGMA: Final = 1.35
#: The offset of the power law, as a share of all customers: it makes the proportions 80 to 20.
_OFFSET: Final = 0.0003
_RECORDS_PER_RETRY: Final = 50
_RETRIED_WITHIN: Final = 1_000


class Workload(NamedTuple):
    """`events` records, retries included, of at most `customers` customers.

    A visit has `visit_events` on average.
    Event times are in the three days (`SPAN_MS`) before `until_ms`, milliseconds since 1970: the hour that
    began last.
    """

    events: int = 1_000_000
    customers: int = 100_000
    seed: int = 1
    visit_events: float = 6.0
    until_ms: int = int(time.time() * 1000) // _HOUR_MS * _HOUR_MS


class BenchRecord(NamedTuple):
    """A record for Kafka."""

    topic: str
    partition: int
    key: bytes
    value: bytes


class Expected(NamedTuple):
    """What is true once every record has been counted, each event once.

    `days` counts (customer, UTC date, channel) with an event; `digest` is the sum of the CRC-32 of
    `customer day channel events` over them, `day` in days since 1970.
    """

    events: int
    customers: int
    days: int
    digest: int


class _Happening(NamedTuple):
    topic: str
    customer: int
    at_ms: int
    body: dict[str, Any]


def records(workload: Workload, partitions: int) -> Iterator[BenchRecord]:
    """The records in the order of sending. Every 50th is a retry of one of the 1,000 before it."""
    chance = Random(workload.seed + 1)
    owners = [-1] * workload.customers
    sent: deque[BenchRecord] = deque(maxlen=_RETRIED_WITHIN)
    for number, (topic, customer, _, body) in enumerate(_happenings(workload), 1):
        key = body["customer_id"]
        if owners[customer] < 0:
            owners[customer] = partition_of(key, partitions)
        record = BenchRecord(topic, owners[customer], key.encode(), orjson.dumps(body))
        sent.append(record)
        yield record
        if number % (_RECORDS_PER_RETRY - 1) == 0:
            yield sent[int(len(sent) * chance.random())]


@lru_cache(maxsize=4)
def expected(workload: Workload) -> Expected:
    """What every contender must arrive at."""
    cells: Counter[tuple[int, int, str]] = Counter()
    for topic, customer, at_ms, _ in _happenings(workload):
        cells[customer, at_ms // _DAY_MS, CHANNEL_OF_TOPIC[topic]] += 1
    return Expected(
        events=cells.total(),
        customers=len({customer for customer, _, _ in cells}),
        days=len(cells),
        digest=sum(
            crc32(f"{_customer_id(customer)} {day} {channel} {count}".encode())
            for (customer, day, channel), count in cells.items()
        ),
    )


def _happenings(workload: Workload) -> Iterator[_Happening]:
    """The distinct events, roughly in order of time."""
    chance = Random(workload.seed)
    count = workload.events - workload.events // _RECORDS_PER_RETRY
    first_ms = workload.until_ms - SPAN_MS
    steps = _steps(chance, count, workload)
    for number, (at_ms, visit_number, customer) in zip(range(count), steps, strict=False):
        at_ms = min(at_ms, workload.until_ms - 1)
        at_ms = max(first_ms, int(at_ms - _LATE_MS * chance.random() ** 8))
        visit = f"{customer:x}-{visit_number:x}"
        topic, type_, source, properties = _MIX[int(len(_MIX) * chance.random())](chance, number, visit)
        body = {
            "event_id": f"{chance.getrandbits(128):032x}",
            "type": type_,
            "occurred_at": f"{_second(at_ms // 1000)}.{at_ms % 1000:03}Z",
            "customer_id": _customer_id(customer),
            "session_id": visit,
            "source": source,
            "properties": properties,
        }
        yield _Happening(topic, customer, at_ms, body)


def _steps(chance: Random, count: int, workload: Workload) -> Iterator[tuple[int, int, int]]:
    """(instant, number of the visit, customer) of every event, endlessly, in order of time."""
    first_ms = workload.until_ms - SPAN_MS
    between_visits_ms = (SPAN_MS - _ENDING_MS) * workload.visit_events / count
    goes_on = 1 - 1 / workload.visit_events
    open_visits: list[tuple[int, int, int]] = []
    for visit in itertools.count():
        begins_ms = int(first_ms + visit * between_visits_ms)
        heappush(open_visits, (begins_ms, visit, _rank(chance, workload.customers)))
        while open_visits and open_visits[0][0] <= begins_ms:
            at_ms, number, customer = step = heappop(open_visits)
            yield step
            if chance.random() < goes_on:
                pause_ms = int(chance.lognormvariate(_PAUSE_MEDIAN_LOG_MS, _PAUSE_SIGMA))
                heappush(open_visits, (at_ms + pause_ms, number, customer))


def _rank(chance: Random, customers: int) -> int:
    """A customer drawn with odds of 1 / (rank + offset), by the inverse of the cumulated odds."""
    return int(customers * _OFFSET * ((1 + 1 / _OFFSET) ** chance.random() - 1))


def _customer_id(customer: int) -> str:
    return f"c-{customer:07}"


@lru_cache(maxsize=4096)
def _second(at_seconds: int) -> str:
    return datetime.fromtimestamp(at_seconds, timezone.utc).isoformat()[:19]


# -- what customers do: (topic, type, source, properties) ----------------------------------------

_Deed = tuple[str, str, str, dict[str, Any]]
_CATEGORIES: Final = ("shoes", "jackets", "rucksacks", "tents", "lamps")
_WORDS: Final = ("light", "waterproof", "red", "trail", "winter", "small", "warm", "used")


def _product(chance: Random) -> tuple[str, str, int]:
    number = int(5_000 * chance.random())
    return f"p-{number}", _CATEGORIES[number % len(_CATEGORIES)], 990 + 10 * number


def _page_viewed(chance: Random, number: int, visit: str) -> _Deed:
    product, category, _ = _product(chance)
    properties = {"url": f"https://shop.example/{category}/{product}", "title": f"{category} {product}"}
    return WEBSITE, "page_viewed", "shop-web", properties


def _product_deed(type_: str) -> Callable[[Random, int, str], _Deed]:
    def deed(chance: Random, number: int, visit: str) -> _Deed:
        product, category, price_minor = _product(chance)
        properties = {
            "product_id": product,
            "category": category,
            "quantity": 1,
            "price_minor": price_minor,
            "currency": "EUR",
        }
        return WEBSITE, type_, "shop-web", properties

    return deed


def _search_performed(chance: Random, number: int, visit: str) -> _Deed:
    _, category, results = _product(chance)
    word = _WORDS[int(len(_WORDS) * chance.random())]
    return WEBSITE, "search_performed", "shop-app", {"query": f"{word} {category}", "results": results}


def _conversation_started(chance: Random, number: int, visit: str) -> _Deed:
    properties = {"conversation_id": f"v-{visit}", "topic": "delivery", "proactive": chance.random() < 0.2}
    return CHAT, "conversation_started", "chat-widget", properties


def _message_sent(chance: Random, number: int, visit: str) -> _Deed:
    author = "customer" if chance.random() < 0.6 else "agent"
    length = int(400 * chance.random())
    properties = {"conversation_id": f"v-{visit}", "author": author, "text_length": length, "locale": "en"}
    return CHAT, "message_sent", "chat-widget", properties


def _order_completed(chance: Random, number: int, visit: str) -> _Deed:
    product, _, price_minor = _product(chance)
    item = {"product_id": product, "quantity": 1, "price_minor": price_minor}
    properties = {
        "order_id": f"o-{number}",
        "total_minor": price_minor,
        "currency": "EUR",
        "items": [item],
    }
    return PURCHASE, "order_completed", "shop-web", properties


_MIX: Final = (
    *(_page_viewed,) * 8,
    *(_product_deed("product_viewed"),) * 5,
    *(_product_deed("product_added"),) * 1,
    *(_search_performed,) * 1,
    *(_conversation_started,) * 1,
    *(_message_sent,) * 3,
    *(_order_completed,) * 1,
)
