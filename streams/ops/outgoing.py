"""A record about to be sent, and how an event becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from schemas.topics import TOPIC_OF_CHANNEL


class Outgoing(NamedTuple):
    """One record. Without a key Kafka's client chooses the partition."""

    topic: str
    key: bytes | None
    value: bytes | None


def to_outgoing(channel: str, event: Mapping[str, Any]) -> Outgoing:
    """The record of an event in the form of `schemas.events`: a mapping that JSON can express."""
    return Outgoing(TOPIC_OF_CHANNEL[channel], key_of(event), orjson.dumps(event))


def key_of(event: Mapping[str, Any]) -> bytes | None:
    """The customer id or else the anonymous id, in UTF-8; None if neither is a text."""
    for name in ("customer_id", "anonymous_id"):
        value = event.get(name)
        if isinstance(value, str) and value:
            return value.encode("utf-8", "surrogatepass")
    return None
