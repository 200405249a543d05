"""Topic names, their settings and how a key finds its partition.

The names are the contract of producers; internal topics begin with `engagement.`.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Final

WEBSITE: Final = "events.website"
CHAT: Final = "events.chat"
PURCHASE: Final = "events.purchase"
REJECTED: Final = "events.rejected"
REKEYED: Final = "engagement.rekeyed"
TRANSITIONS: Final = "engagement.transitions"
CHANGELOG: Final = "engagement.customers-changelog"

SOURCE_TOPICS: Final = (WEBSITE, CHAT, PURCHASE)
CHANNEL_OF_TOPIC: Final = {WEBSITE: "website", CHAT: "chat", PURCHASE: "purchase"}
TOPIC_OF_CHANNEL: Final = {channel: topic for topic, channel in CHANNEL_OF_TOPIC.items()}

_MIB = 1024 * 1024
_DAY_MS = 24 * 60 * 60 * 1000
MAX_MESSAGE_BYTES: Final = 8 * _MIB
REJECTED_MAX_MESSAGE_BYTES: Final = 9 * _MIB
RETENTION_MS: Final = 30 * _DAY_MS


@dataclass(frozen=True)
class TopicSpec:
    """What `engage topics` creates: the topic's settings, as Kafka names them."""

    name: str
    config: dict[str, str]


def _log(name: str, max_bytes: int = MAX_MESSAGE_BYTES) -> TopicSpec:
    return TopicSpec(
        name,
        {
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(max_bytes),
            "retention.ms": str(RETENTION_MS),
            "cleanup.policy": "delete",
        },
    )


TOPICS: Final = (
    *(_log(name) for name in SOURCE_TOPICS),
    # A forwarded record carries its origin in headers, so it may be a little larger than a source record.
    _log(REKEYED, REJECTED_MAX_MESSAGE_BYTES),
    _log(REJECTED, REJECTED_MAX_MESSAGE_BYTES),
    _log(TRANSITIONS),
    TopicSpec(
        CHANGELOG,
        {
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "cleanup.policy": "compact",
        },
    ),
)


_WORD: Final = Struct("<I")


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 (seed 0x9747b28c), as an unsigned 32-bit number.

    Source: org.apache.kafka.common.utils.Utils.murmur2.
    """
    length = len(data)
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ length
    whole = length & ~3
    for (k,) in _WORD.iter_unpack(data[:whole]):
        k = k * m & mask
        h = (h * m ^ (k ^ k >> 24) * m) & mask
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key: str, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives to a key (UTF-8)."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def channel_of_type(event_type: str) -> str:
    """The channel of an event for which no other one is named."""
    if event_type.startswith("order_"):
        return "purchase"
    if event_type.startswith("conversation_") or event_type == "message_sent":
        return "chat"
    return "website"
