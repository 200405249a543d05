"""What a visitor does, in the SDKs' words, and what must be in ClickHouse afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from schemas.topics import CHAT, PURCHASE, WEBSITE

TEXT = "Do you have this in 42? My name is Ada."


@dataclass(frozen=True)
class Call:
    """One call of an SDK.

    `message` is in Segment's words; `type`, `topic` and `properties` are what is expected of the event.
    Further properties, such as the SDK's context, are not listed.
    """

    message: dict[str, Any]
    type: str
    topic: str
    properties: dict[str, Any]


def journey(visitor: str) -> list[Call]:
    """An anonymous visitor looks around and chats, says who they are, buys and sends something back."""
    anonymous = {"anonymousId": f"{visitor}-anonymous"}
    known = {**anonymous, "userId": customer_of(visitor)}
    page = {"url": "https://shop.example/shoes", "title": "Shoes", "referrer": "https://search.example/"}
    product = {"product_id": "p-7", "name": "Rød sko 🥾", "category": "shoes", "quantity": 2}
    money = {"price": 49.99, "currency": "EUR"}
    chat = {"conversation_id": f"{visitor}-chat"}
    order = {"order_id": f"{visitor}-order", "currency": "EUR"}
    wish = {"list": [1, 2.5, True], "note": {"für": "Zoë", "depth": {"is": "kept"}}}
    item = {"product_id": "p-7", "name": "Rød sko 🥾", "quantity": 2, "price": 49.99}
    calls = [
        _call("page", "page_viewed", page, **anonymous),
        _call("Product Viewed", "product_viewed", {**product, **money}, {"price_minor": 4999}, **anonymous),
        _call("Products Searched", "search_performed", {"query": "red shoes"}, **anonymous),
        _call("Live Chat Conversation Started", "conversation_started", chat, topic=CHAT, **anonymous),
        _call(
            "Live Chat Message Sent",
            "message_sent",
            {**chat, "message_body": TEXT},
            {"author": "customer", "text_length": len(TEXT)},
            topic=CHAT,
            **anonymous,
        ),
        _call("identify", "identify", {}, {"traits": {"plan": "gold"}}, traits={"plan": "gold"}, **known),
        _call("Product Added", "product_added", {**product, **money}, {"price_minor": 4999}, **known),
        _call(
            "Order Completed",
            "order_completed",
            {**order, "total": 99.98, "products": [item]},
            {"total_minor": 9998, "items": [{**item, "price_minor": 4999}]},
            topic=PURCHASE,
            **known,
        ),
        _call(
            "Order Refunded",
            "order_refunded",
            {**order, "total": 49.99},
            {"amount_minor": 4999},
            topic=PURCHASE,
            **known,
        ),
        _call("Wish List Shared", "wish_list_shared", wish, **known),
        _call("screen", "screen_viewed", {"tab": "cart"}, {"name": "Cart"}, name="Cart", **known),
        _call(
            "group",
            "group",
            {},
            {"group_id": "g-9", "traits": {"seats": 3}},
            groupId="g-9",
            traits={"seats": 3},
            **known,
        ),
        _call(
            "alias",
            "alias",
            {},
            {"previous_id": f"{visitor}-old"},
            previousId=f"{visitor}-old",
            userId=customer_of(visitor),
        ),
    ]
    return [_at(call, number, visitor) for number, call in enumerate(calls)]


def customer_of(visitor: str) -> str:
    return f"{visitor}-customer"


_CALLS = ("page", "screen", "identify", "group", "alias")
# Translated into another property, or not to be stored.
_NOT_KEPT = ("products", "message_body")


def _call(
    name: str,
    event_type: str,
    properties: dict[str, Any],
    further: dict[str, Any] | None = None,
    /,
    *,
    topic: str = WEBSITE,
    **message: Any,
) -> Call:
    """`further` properties are expected beside those that are sent."""
    message |= {"type": name} if name in _CALLS else {"type": "track", "event": name}
    if name in ("page", "screen") or name not in _CALLS:
        message["properties"] = properties
    kept = {key: value for key, value in properties.items() if key not in _NOT_KEPT}
    return Call(message, event_type, topic, {**kept, **(further or {})})


def _at(call: Call, number: int, visitor: str) -> Call:
    """With a session, and a time of its own a few minutes ago, which the SDK is told."""
    at = datetime.now(timezone.utc) - timedelta(minutes=3, seconds=-number, milliseconds=number)
    timestamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = {**call.message, "timestamp": timestamp, "context": {"sessionId": f"{visitor}-session"}}
    return Call(message, call.type, call.topic, call.properties)
