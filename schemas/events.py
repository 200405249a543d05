"""The event contract: one model per event type. Everything else about events is derived from this file.

`decode` validates with these models' fields, `python -m schemas.export` writes them as JSON Schema and
AsyncAPI, and producers in Python build events with them:

    PageViewed(event_id="e-1", occurred_at=now, customer_id="c-42", properties={"url": "https://…"})

Further keys are kept, at the top and in `properties`. A null is the same as leaving an optional key out.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from typing_extensions import Self

from schemas.fields import (
    AmountMinor,
    AnyCustomerId,
    Count,
    Currency,
    CustomerId,
    EventId,
    EventType,
    Int64,
    OccurredAt,
    Text,
)

MAX_VALUE_BYTES: Final = 32 * 1024
"""The largest value of a record that is an event."""


class Properties(BaseModel):
    """What an event says beyond its envelope."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class Page(Properties):
    url: Text
    title: str | None = None
    referrer: str | None = None


class Product(Properties):
    product_id: Text
    name: str | None = None
    category: str | None = None
    quantity: Int64 | None = None
    price_minor: Int64 | None = None
    currency: Currency | None = None


class Search(Properties):
    query: str


class Form(Properties):
    form_id: Text


class Conversation(Properties):
    conversation_id: Text
    agent_id: str | None = None
    topic: str | None = None
    proactive: bool | None = None
    resolved: bool | None = None


class Message(Properties):
    """The text itself is never stored: text, message, body, message_body and content become text_length."""

    conversation_id: Text
    author: Literal["customer", "agent", "bot"]
    text_length: Count | None = Field(None, description="In characters (code points)")


class OrderItem(Properties):
    product_id: str | None = None
    name: str | None = None
    category: str | None = None
    quantity: Int64 | None = None
    price_minor: Int64 | None = None


class Order(Properties):
    order_id: Text
    total_minor: AmountMinor
    currency: Currency
    items: list[OrderItem] | None = None


class Refund(Properties):
    order_id: Text
    amount_minor: AmountMinor
    currency: Currency


class Identity(Properties):
    traits: dict[str, Any] | None = None


class PreviousIdentity(Properties):
    previous_id: AnyCustomerId


_SCALES: Final = {"nps": (0, 10), "csat": (1, 5)}


def _on_its_scale(score: int, info: ValidationInfo) -> int:
    survey = info.data.get("survey", "")  # absent when the survey itself is wrong, which is then the error
    low, high = _SCALES.get(survey, (score, score))
    if not low <= score <= high:
        raise ValueError(f"must be {low} to {high} for {survey}")
    return score


class Survey(Properties):
    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"survey": {"const": survey}}},
                    "then": {"properties": {"score": {"minimum": low, "maximum": high}}},
                }
                for survey, (low, high) in _SCALES.items()
            ]
        }
    )

    survey: Literal["nps", "csat"]
    score: Annotated[Int64, AfterValidator(_on_its_scale)] = Field(description="nps: 0 to 10, csat: 1 to 5")
    touchpoint: str | None = None


class Referral(Properties):
    referral_code: Text


class Conversion(Properties):
    referral_code: Text
    referred_id: AnyCustomerId


def _as_sent(schema: dict[str, Any]) -> None:
    """What JSON Schema cannot see in the model: `type` is always sent, and one of the two ids is."""
    schema["required"] = sorted({"type", *schema.get("required", [])}, key=list(schema["properties"]).index)
    schema["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string"}}}
        for name in ("customer_id", "anonymous_id")
    ]


class EngagementEvent(BaseModel):
    """The envelope that all events share. The channel is not part of it: that is the topic's."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, json_schema_extra=_as_sent)

    event_id: EventId = Field(
        description="One per logical event; a retry repeats it together with the same occurred_at"
    )
    type: str
    occurred_at: OccurredAt = Field(
        description="RFC 3339 with a zone, 1990 or later; more than milliseconds is cut off"
    )
    customer_id: CustomerId | None = Field(None, description="The known customer; also the record's key")
    anonymous_id: AnyCustomerId | None = Field(
        None, description="A visitor not known yet; the record's key without customer_id"
    )
    session_id: str | None = None
    source: str | None = Field(None, description="The sending system, such as shop-web")

    @model_validator(mode="after")
    def _has_an_identity(self) -> Self:
        if self.customer_id is None and self.anonymous_id is None:
            raise ValueError("an event needs customer_id or anonymous_id")
        return self

    @property
    def key(self) -> str:
        """The Kafka key (encode it as UTF-8): it keeps one customer's events in one partition."""
        return self.customer_id or self.anonymous_id or ""


class PageViewed(EngagementEvent):
    type: Literal["page_viewed"] = "page_viewed"
    properties: Page


class ProductViewed(EngagementEvent):
    type: Literal["product_viewed"] = "product_viewed"
    properties: Product


class ProductAdded(EngagementEvent):
    """A product was put into the cart."""

    type: Literal["product_added"] = "product_added"
    properties: Product


class SearchPerformed(EngagementEvent):
    type: Literal["search_performed"] = "search_performed"
    properties: Search


class FormSubmitted(EngagementEvent):
    type: Literal["form_submitted"] = "form_submitted"
    properties: Form


class ConversationStarted(EngagementEvent):
    type: Literal["conversation_started"] = "conversation_started"
    properties: Conversation


class ConversationEnded(EngagementEvent):
    type: Literal["conversation_ended"] = "conversation_ended"
    properties: Conversation


class MessageSent(EngagementEvent):
    type: Literal["message_sent"] = "message_sent"
    properties: Message


class OrderCompleted(EngagementEvent):
    type: Literal["order_completed"] = "order_completed"
    properties: Order


class OrderRefunded(EngagementEvent):
    type: Literal["order_refunded"] = "order_refunded"
    properties: Refund


class Identify(EngagementEvent):
    """Says who an anonymous visitor is: carries both ids."""

    type: Literal["identify"] = "identify"
    properties: Identity | None = None


class Alias(EngagementEvent):
    """Two ids are one customer."""

    type: Literal["alias"] = "alias"
    properties: PreviousIdentity


class SurveyAnswered(EngagementEvent):
    type: Literal["survey_answered"] = "survey_answered"
    properties: Survey


class ReferralMade(EngagementEvent):
    type: Literal["referral_made"] = "referral_made"
    properties: Referral


class ReferralConverted(EngagementEvent):
    type: Literal["referral_converted"] = "referral_converted"
    properties: Conversion


_KNOWN: Final[tuple[type[EngagementEvent], ...]] = (
    PageViewed,
    ProductViewed,
    ProductAdded,
    SearchPerformed,
    FormSubmitted,
    ConversationStarted,
    ConversationEnded,
    MessageSent,
    OrderCompleted,
    OrderRefunded,
    Identify,
    Alias,
    SurveyAnswered,
    ReferralMade,
    ReferralConverted,
)
MODEL_OF_TYPE: Final[dict[str, type[EngagementEvent]]] = {
    model.model_fields["type"].default: model for model in _KNOWN
}


def _not_known(name: str) -> str:
    if name in MODEL_OF_TYPE:
        raise ValueError(f"is a known type: use {MODEL_OF_TYPE[name].__name__}")
    return name


class CustomEvent(EngagementEvent):
    """A type of your own, with free properties. It counts as engagement."""

    type: Annotated[
        EventType,
        AfterValidator(_not_known),
        Field(json_schema_extra={"not": {"enum": list(MODEL_OF_TYPE)}}),
    ]
    properties: dict[str, Any] | None = None


_NEVER_ENGAGEMENT: Final = frozenset({"identify", "alias", "conversation_ended"})


def is_engagement(event_type: str, properties: dict[str, Any]) -> bool:
    """Whether an event shows that the customer is engaged (metrics, Terms: engagement event)."""
    if event_type == "message_sent":
        return bool(properties["author"] == "customer")
    return event_type not in _NEVER_ENGAGEMENT
