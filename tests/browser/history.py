"""Ten weeks of a small shop, for pages to have something to show. The same for the same seed and end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from schemas.events import EngagementEvent
from streams.producer import new_event

#: Whoever puts this into a page as HTML runs it.
SCRIPT_ID = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
CUSTOMERS = 60
_DAYS = 70


def history(seed: int, end: datetime) -> Iterator[EngagementEvent]:
    """Visits, conversations and orders of all customers, the last of them minutes before `end`."""
    rng = random.Random(seed)
    for number in range(CUSTOMERS):
        customer_id = f"c-{number:03}"
        for visit in range(rng.randrange(1, 12)):
            recent = visit == 0 and number % 3 == 0
            ago = timedelta(minutes=rng.uniform(0.2, 3)) if recent else timedelta(days=rng.uniform(0, _DAYS))
            yield from _visit(rng, customer_id, end - ago - timedelta(seconds=30))
    yield from _script(end)


def _visit(rng: random.Random, customer_id: str, start: datetime) -> Iterator[EngagementEvent]:
    def event(kind: str, second: int, **properties: Any) -> EngagementEvent:
        at = start + timedelta(seconds=second)
        return new_event(kind, customer_id=customer_id, occurred_at=at, properties=properties, source="shop")

    product = f"p-{rng.randrange(40)}"
    yield event("page_viewed", 0, url="https://shop.example/", title="Start")
    yield event("product_viewed", 5, product_id=product, name=f"Kettle {product}")
    if rng.random() < 0.4:
        yield event("conversation_started", 10, conversation_id=f"v-{rng.random()}", topic="delivery")
        yield event("message_sent", 15, conversation_id="v", author="customer", text_length=20)
    if rng.random() < 0.5:
        order_id = f"o-{rng.randrange(10**9)}"
        yield event(
            "order_completed", 20, order_id=order_id, total_minor=rng.randrange(500, 20_000), currency="EUR"
        )


def _script(end: datetime) -> Iterator[EngagementEvent]:
    for ago, kind, properties in (
        (90, "page_viewed", {"url": "javascript:alert(1)", "title": SCRIPT_ID}),
        (60, "search_performed", {"query": SCRIPT_ID}),
        (30, "product_viewed", {"product_id": "p", "name": "<b onmouseover=alert(1)>bold</b>"}),
    ):
        yield new_event(
            kind, customer_id=SCRIPT_ID, occurred_at=end - timedelta(seconds=ago), properties=properties
        )
