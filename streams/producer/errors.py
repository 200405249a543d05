"""What a producer may raise beside `KafkaUnavailable` and `MissingTopic`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.events import EngagementEvent
from streams.errors import EngageError


class InvalidEvent(EngageError, ValueError):
    """The event breaks the contract: one line that names the field, without the payload's values."""

    exit_code = 2


class ProducerBusy(EngageError):
    """Too many events wait for Kafka's acknowledgement. The event was not taken; it may be sent again."""


@dataclass(frozen=True)
class Undelivered:
    """An event that Kafka has not acknowledged. It may be there all the same: sent again, it counts once."""

    event: EngagementEvent
    channel: str
    reason: str


class NotDelivered(EngageError):
    """`undelivered` are the events to send again, in the order in which they were sent."""

    def __init__(self, undelivered: Sequence[Undelivered]) -> None:
        self.undelivered = tuple(undelivered)
        count, first = len(self.undelivered), self.undelivered[0]
        plural = "" if count == 1 else "s"
        super().__init__(
            f"{count} event{plural} not delivered ({first.reason}). "
            "Send what `undelivered` holds again: an event counts once."
        )
