"""Seeded traffic: website, chat and purchase records, with retries, stray keys and bad input mixed in."""

from __future__ import annotations

import json
import random
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from schemas.topics import CHAT, PURCHASE, WEBSITE, partition_of

#: Repeated by a retry that comes much later than the first try.
_REMEMBERED = 500


class Message(NamedTuple):
    """A record to send. `valid`: by construction it must become a fact, otherwise a reject."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    valid: bool


@dataclass
class Traffic:
    """An endless stream of messages that depends on the seed alone (event times also on the start).

    `events` counts the events made so far, repetitions left out.

    Args:
        retry_ratio: repeats an event sent some time ago, byte for byte.
        twice_ratio: repeats the event just sent, so that both are in one batch.
        astray_ratio: valid, but in another partition than its key's.
        numbered: event ids are 0, 1, 2 … with leading zeros, so that a missing one shows.
    """

    seed: int
    partitions: int
    customers: int = 60
    bad_ratio: float = 0.05
    retry_ratio: float = 0.1
    twice_ratio: float = 0.05
    astray_ratio: float = 0.03
    numbered: bool = False

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.events = 0
        self._now = datetime.now(timezone.utc)
        self._sent: deque[Message] = deque(maxlen=_REMEMBERED)

    def __iter__(self) -> Traffic:
        return self

    def __next__(self) -> Message:
        chance = self._random.random()
        if chance < self.bad_ratio:
            return self._bad()
        if self._sent and chance < self.bad_ratio + self.retry_ratio:
            return self._random.choice(self._sent)
        if self._sent and chance < self.bad_ratio + self.retry_ratio + self.twice_ratio:
            return self._sent[-1]
        message = self._event()
        self._sent.append(message)
        return message

    def take(self, count: int) -> list[Message]:
        return [next(self) for _ in range(count)]

    def visit(self, customer: str, topic: str, day: int) -> Message:
        """One event of an otherwise silent customer, at noon so many days before yesterday."""
        at = self._now.replace(hour=12) - timedelta(days=day + 1)
        kind = "conversation_started" if topic == CHAT else "page_viewed"
        properties = {"conversation_id": "v"} if topic == CHAT else {"url": "https://shop.example/"}
        body = {
            "event_id": self._event_id(),
            "type": kind,
            "occurred_at": at.isoformat(),
            "customer_id": customer,
            "properties": properties,
        }
        partition = partition_of(customer, self.partitions)
        return Message(topic, partition, customer.encode(), json.dumps(body).encode(), True)

    def _event(self) -> Message:
        # Some customers are much busier than others.
        number = int(self.customers * self._random.random() ** 3)
        topic, body = self._body(number)
        key = body.get("customer_id") or body["anonymous_id"]
        partition = partition_of(key, self.partitions)
        if self._random.random() < self.astray_ratio:
            partition = (partition + 1) % self.partitions
        return Message(topic, partition, key.encode(), json.dumps(body).encode(), True)

    def _body(self, number: int) -> tuple[str, dict[str, Any]]:
        topic, kind, properties = self._step(number)
        identity = {"anonymous_id": f"a-{number}"} if number % 7 == 0 else {"customer_id": f"c-{number}"}
        days = self._random.choice([0, 0, 0, 0, 1, 3, 30, 80, 96, 98, 200])
        return topic, {
            "event_id": self._event_id(),
            "type": kind,
            "occurred_at": self._instant(days),
            "session_id": f"s-{number}-{days}",
            "properties": properties,
            **identity,
        }

    def _event_id(self) -> str:
        self.events += 1
        return f"{self.events - 1 if self.numbered else self._random.getrandbits(128):032x}"

    def _instant(self, days: int) -> str:
        at = self._now - timedelta(days=days, seconds=self._random.randrange(40_000))
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _step(self, number: int) -> tuple[str, str, dict[str, Any]]:
        chance = self._random.random()
        if chance < 0.55:
            return self._random.choice(
                [
                    (WEBSITE, "product_viewed", {"product_id": f"p-{number}"}),
                    (WEBSITE, "page_viewed", {"url": "https://shop.example/"}),
                    (WEBSITE, "identify", {}),
                    (WEBSITE, "wish_listed", {"made": "up"}),
                ]
            )
        if chance < 0.8:
            author = self._random.choice(["customer", "customer", "agent", "bot"])
            said = (CHAT, "message_sent", {"conversation_id": "v", "author": author})
            begun = (CHAT, "conversation_started", {"conversation_id": f"v-{chance}"})
            return self._random.choice([said, said, said, begun])
        return self._purchase()

    def _purchase(self) -> tuple[str, str, dict[str, Any]]:
        # Few order ids, so that several events claim the same order and the smallest must win.
        order = self._random.choice(
            [f"o-{self._random.randrange(40)}", f"{self._random.getrandbits(64):x}", "o-1"]
        )
        cents = self._random.randrange(10_000)
        if self._random.random() < 0.2:
            refund = {"order_id": order, "amount_minor": cents, "currency": "EUR"}
            return PURCHASE, "order_refunded", refund
        return PURCHASE, "order_completed", {"order_id": order, "total_minor": cents, "currency": "EUR"}

    def _bad(self) -> Message:
        topic = self._random.choice([WEBSITE, CHAT, PURCHASE])
        ahead = (self._now + timedelta(days=2)).isoformat()
        event = {"event_id": "e", "type": "seen", "occurred_at": self._instant(0), "customer_id": "c-1"}
        value = self._random.choice(
            [
                None,
                b"{",
                b"\xff",
                b"[]",
                b"{}",
                json.dumps({**event, "event_id": 1}).encode(),
                json.dumps({**event, "customer_id": None}).encode(),
                json.dumps({**event, "occurred_at": ahead}).encode(),
                json.dumps({**event, "extra": "x" * 40_000}).encode(),
            ]
        )
        return Message(topic, self._random.randrange(self.partitions), b"bad", value, False)
