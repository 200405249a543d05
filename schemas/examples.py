"""One valid event per model, as it travels: for the AsyncAPI document and for tests."""

from __future__ import annotations

from typing import Any, Final

from schemas import events
from schemas.events import EngagementEvent

_PROPERTIES: Final[dict[type[EngagementEvent], dict[str, Any]]] = {
    events.PageViewed: {"url": "https://shop.example/shoes", "title": "Shoes", "referrer": None},
    events.ProductViewed: {"product_id": "p-7", "name": "Red shoe", "price_minor": 4999, "currency": "EUR"},
    events.ProductAdded: {"product_id": "p-7", "category": "shoes", "quantity": 2},
    events.SearchPerformed: {"query": "red shoes"},
    events.FormSubmitted: {"form_id": "newsletter"},
    events.ConversationStarted: {"conversation_id": "v-3", "topic": "sizes", "proactive": True},
    events.ConversationEnded: {"conversation_id": "v-3", "agent_id": "a-1", "resolved": True},
    events.MessageSent: {"conversation_id": "v-3", "author": "customer", "text_length": 42},
    events.OrderCompleted: {
        "order_id": "o-11",
        "total_minor": 9998,
        "currency": "EUR",
        "items": [{"product_id": "p-7", "quantity": 2, "price_minor": 4999}],
    },
    events.OrderRefunded: {"order_id": "o-11", "amount_minor": 4999, "currency": "EUR"},
    events.Identify: {"traits": {"plan": "gold"}},
    events.Alias: {"previous_id": "c-17"},
    events.SurveyAnswered: {"survey": "nps", "score": 9, "touchpoint": "checkout"},
    events.ReferralMade: {"referral_code": "r-5"},
    events.ReferralConverted: {"referral_code": "r-5", "referred_id": "c-43"},
    events.CustomEvent: {"level": 3},
}


def _example(number: int, model: type[EngagementEvent]) -> dict[str, Any]:
    field = model.model_fields["type"]
    return {
        "event_id": f"e-{number}",
        "type": "video_watched" if field.is_required() else field.default,
        "occurred_at": "2026-11-22T05:00:01.123Z",
        "customer_id": "c-42",
        "anonymous_id": "a-77" if model is events.Identify else None,
        "session_id": "s-9",
        "source": "shop-web",
        "properties": _PROPERTIES[model],
    }


EXAMPLE_OF: Final[dict[type[EngagementEvent], dict[str, Any]]] = {
    model: _example(number, model) for number, model in enumerate(_PROPERTIES, start=1)
}
