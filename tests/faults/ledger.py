"""A seeded producer that keeps a ledger of every send, and what the ledger says must be true in the end."""

from __future__ import annotations

import json
import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from kafka import KafkaProducer

from schemas.decode import Event, decode
from schemas.topics import CHANNEL_OF_TOPIC, CHAT, PURCHASE, WEBSITE, partition_of

Coordinates = tuple[str, int, int]


@dataclass(frozen=True)
class Sent:
    """One acknowledged record. `event` is None for bad input."""

    at: Coordinates
    event: Event | None


@dataclass
class Ledger:
    """Sends traffic with retries and bad input; `sent` holds what the broker acknowledged."""

    seed: int
    bootstrap: str
    partitions: int
    customers: int = 60
    bad_ratio: float = 0.05
    retry_ratio: float = 0.15
    astray_ratio: float = 0.03
    sent: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._now = datetime.now(timezone.utc)
        self._bodies: list[tuple[str, dict[str, Any]]] = []

    def produce(self, records: int, *, transactional_id: str | None = None) -> None:
        """Send that many records and wait for their acknowledgements."""
        options: dict[str, Any] = {"transactional_id": transactional_id} if transactional_id else {}
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all", linger_ms=5, **options)
        try:
            if transactional_id:
                producer.init_transactions()
                self._in_transactions(producer, records)
            else:
                self._note([self._send(producer) for _ in range(records)], producer)
        finally:
            producer.close()

    def _in_transactions(self, producer: KafkaProducer, records: int) -> None:
        """In transactions of 50 records, every third of which is aborted and must leave no trace."""
        for number in range(max(1, records // 50)):
            producer.begin_transaction()
            known = len(self._bodies)
            pending = [self._send(producer) for _ in range(50)]
            if number % 3 == 2:
                producer.flush()
                producer.abort_transaction()
                del self._bodies[known:]
            else:
                self._note(pending, producer)
                producer.commit_transaction()

    def _note(self, pending: list[tuple[Any, bytes | None]], producer: KafkaProducer) -> None:
        producer.flush()
        for future, value in pending:
            at = future.get(timeout=60)
            event = decode(value, channel=CHANNEL_OF_TOPIC[at.topic], appended_at_ms=2**50)
            self.sent.append(
                Sent((at.topic, at.partition, at.offset), event if isinstance(event, Event) else None)
            )

    def _send(self, producer: KafkaProducer) -> tuple[Any, bytes | None]:
        if self._random.random() < self.bad_ratio:
            topic = self._random.choice([WEBSITE, CHAT, PURCHASE])
            value = self._random.choice([b"{", b"\xff", None, b"[]", b'{"event_id": 1}', b"{}"])
            return producer.send(topic, key=b"bad", value=value), value
        if self._bodies and self._random.random() < self.retry_ratio:
            topic, body = self._random.choice(self._bodies[-500:])
        else:
            topic, body = self._new_event()
            self._bodies.append((topic, body))
        key = body["customer_id"] or body["anonymous_id"]
        partition = partition_of(key, self.partitions)
        if self._random.random() < self.astray_ratio:
            partition = (partition + 1) % self.partitions
        value = json.dumps(body).encode()
        return producer.send(topic, key=key.encode(), value=value, partition=partition), value

    def _new_event(self) -> tuple[str, dict[str, Any]]:
        number = int(self._random.paretovariate(0.9)) % self.customers
        anonymous = number % 7 == 0
        choose = self._random.random()
        if choose < 0.6:
            topic, kind, properties = WEBSITE, "product_viewed", {"product_id": f"p-{number}"}
        elif choose < 0.85:
            author = self._random.choice(["customer", "customer", "agent"])
            topic, kind = CHAT, "message_sent"
            properties = {"conversation_id": "v", "author": author}
        else:
            order = self._random.choice(
                [f"o-{self._random.randrange(40)}", uuid.UUID(int=self._random.getrandbits(128)).hex]
            )
            topic, kind = PURCHASE, "order_completed"
            properties = {"order_id": order, "total_minor": self._random.randrange(10_000), "currency": "EUR"}
        days = self._random.choice([0, 0, 0, 1, 3, 30, 80, 96, 98, 200])
        at = self._now - timedelta(days=days, seconds=self._random.randrange(40_000))
        body = {
            "event_id": uuid.UUID(int=self._random.getrandbits(128)).hex,
            "type": kind,
            "occurred_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "customer_id": None if anonymous else f"c-{number}",
            "anonymous_id": f"a-{number}" if anonymous else None,
            "properties": properties,
        }
        return topic, body

    def events_by_customer(self) -> dict[str, list[Event]]:
        """Acknowledged deliveries of valid events, duplicates among them."""
        found: dict[str, list[Event]] = defaultdict(list)
        for sent in self.sent:
            if sent.event is not None:
                found[sent.event.customer].append(sent.event)
        return found
