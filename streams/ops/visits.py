"""What visitors of a made-up shop do, as scripts: each yields the steps of one visit.

A script is a generator that takes chances from the `random.Random` it is given and from nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

_SITE: Final = "https://shop.example"
_CATEGORIES: Final = ("shoes", "bags", "hats", "coats", "socks")
_SEARCHES: Final = ("red shoes", "winter coat", "gift", "wool socks", "size 42", "sale")
_TOPICS: Final = ("delivery", "sizes", "returns", "payment")
_PRODUCTS: Final = 200


class Step(NamedTuple):
    """One event to be: the channel it comes in on, its type and properties."""

    channel: str
    type: str
    properties: dict[str, Any]


class PlacedOrder(NamedTuple):
    """An order that may be refunded later."""

    customer_id: str
    order_id: str
    total_minor: int
    currency: str


@dataclass
class Visitor:
    """Who visits. `customer_id` is None until the visitor is known, perhaps in the middle of the visit."""

    session_id: str
    login_id: str
    """The customer that the visitor is, or would be after logging in."""
    customer_id: str | None
    anonymous_id: str | None
    currency: str = "EUR"
    cart: list[dict[str, Any]] = field(default_factory=list)
    placed: list[PlacedOrder] = field(default_factory=list)


def shop_visit(visitor: Visitor, chance: Random) -> Iterator[Step]:
    """Look around, perhaps ask in the chat, log in, buy, answer a survey."""
    yield from _browse(visitor, chance)
    if chance.random() < 0.25:
        yield from _chat(visitor, chance)
        yield from _browse(visitor, chance)
    if visitor.cart and chance.random() < 0.55:
        yield from _log_in(visitor)
        yield from _buy(visitor, chance)
    elif chance.random() < 0.05:
        yield Step("website", "form_submitted", {"form_id": "newsletter"})


def support_visit(visitor: Visitor, chance: Random) -> Iterator[Step]:
    """Come straight to the chat, and afterwards say how it was."""
    yield from _chat(visitor, chance)
    if chance.random() < 0.5:
        score = {"survey": "csat", "score": chance.randint(1, 5), "touchpoint": "chat"}
        yield Step("chat", "survey_answered", score)


def refund(order: PlacedOrder, chance: Random) -> Iterator[Step]:
    """Part or all of an order is paid back."""
    amount_minor = order.total_minor if chance.random() < 0.5 else order.total_minor // 2
    properties = {"order_id": order.order_id, "amount_minor": amount_minor, "currency": order.currency}
    yield Step("purchase", "order_refunded", properties)


def _browse(visitor: Visitor, chance: Random) -> Iterator[Step]:
    yield Step("website", "page_viewed", {"url": f"{_SITE}/", "title": "Shop"})
    if chance.random() < 0.4:
        yield Step("website", "search_performed", {"query": chance.choice(_SEARCHES)})
    for _ in range(chance.randint(1, 5)):
        product = _product(chance, visitor.currency)
        yield Step("website", "product_viewed", product)
        if chance.random() < 0.3:
            added = {**product, "quantity": chance.randint(1, 3)}
            visitor.cart.append(added)
            yield Step("website", "product_added", added)


def _product(chance: Random, currency: str) -> dict[str, Any]:
    number = int(_PRODUCTS * chance.random() ** 2)
    category = _CATEGORIES[number % len(_CATEGORIES)]
    return {
        "product_id": f"p-{number:03}",
        "name": f"{category} no. {number}",
        "category": category,
        "price_minor": 499 + number * 7919 % 20_000,
        "currency": currency,
    }


def _chat(visitor: Visitor, chance: Random) -> Iterator[Step]:
    conversation = {"conversation_id": f"v-{visitor.session_id}-{chance.randrange(10**6)}"}
    yield Step("chat", "conversation_started", {**conversation, "topic": chance.choice(_TOPICS)})
    for number in range(chance.randint(2, 8)):
        author = ("customer", "agent" if number > 2 else "bot")[number % 2]
        message = {"author": author, "text_length": chance.randint(5, 200)}
        yield Step("chat", "message_sent", {**conversation, **message})
    yield Step("chat", "conversation_ended", {**conversation, "resolved": chance.random() < 0.8})


def _log_in(visitor: Visitor) -> Iterator[Step]:
    if visitor.customer_id is None:
        visitor.customer_id = visitor.login_id
        yield Step("website", "identify", {"traits": {"newsletter": True}})


def _buy(visitor: Visitor, chance: Random) -> Iterator[Step]:
    order_id = f"o-{visitor.session_id}"
    items = [{key: value for key, value in item.items() if key != "currency"} for item in visitor.cart]
    total_minor = sum(item["quantity"] * item["price_minor"] for item in items)
    visitor.placed.append(PlacedOrder(visitor.login_id, order_id, total_minor, visitor.currency))
    order = {"order_id": order_id, "total_minor": total_minor, "currency": visitor.currency, "items": items}
    yield Step("purchase", "order_completed", order)
    if chance.random() < 0.3:
        score = min(10, max(0, round(chance.gauss(8, 2))))
        yield Step("website", "survey_answered", {"survey": "nps", "score": score, "touchpoint": "checkout"})
    if chance.random() < 0.1:
        yield Step("website", "referral_made", {"referral_code": f"r-{visitor.login_id}"})
