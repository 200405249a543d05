"""Which topic an event type belongs to."""

from __future__ import annotations

from typing import Final

from schemas.topics import CHAT, PURCHASE, WEBSITE

_TOPIC_OF_TYPE: Final = {
    "conversation_started": CHAT,
    "conversation_ended": CHAT,
    "message_sent": CHAT,
    "order_completed": PURCHASE,
    "order_refunded": PURCHASE,
}


def topic_of(event_type: object) -> str:
    """Chat and purchase types have theirs; everything else, whatever it is, happened on the website."""
    return _TOPIC_OF_TYPE.get(event_type, WEBSITE) if isinstance(event_type, str) else WEBSITE
