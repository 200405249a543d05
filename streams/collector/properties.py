"""Properties in Segment's words → properties of our event types. Pure: dicts in, new dicts out, never raises.

Nothing is dropped: what has no counterpart stays as it was sent, and what cannot be translated is left for
`decode` to refuse with its reason. The one exception is the text of a chat message, which must not be stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas.decode import TEXT_KEYS
from schemas.events import MODEL_OF_TYPE
from streams.collector.money import to_minor

Properties = dict[str, Any]

_TEXTS: Final = (
    "product_id",
    "order_id",
    "conversation_id",
    "agent_id",
    "form_id",
    "query",
    "name",
    "category",
    "topic",
    "referral_code",
    "referred_id",
    "previous_id",
)
_INTEGERS: Final = ("quantity", "score")


def translate(event_type: str, properties: Properties, currency: str | None) -> Properties:
    """The properties for an event of this type.

    Args:
        event_type: one of ours; any other keeps its properties as they are.
        currency: of the write key, for events that name none.
    """
    if event_type not in MODEL_OF_TYPE:
        return properties
    known = _plain(properties)
    special = _SPECIAL.get(event_type)
    return special(known, currency) if special else known


def _plain(properties: Properties) -> Properties:
    """Ids that were sent as numbers become texts, counts that were sent as texts or 2.0 become integers."""
    plain = dict(properties)
    for name in _TEXTS:
        if type(plain.get(name)) is int:
            plain[name] = str(plain[name])
    for name in _INTEGERS:
        if name in plain:
            plain[name] = _integer(plain[name])
    return plain


def _integer(value: Any) -> Any:
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if type(value) is str and len(value) < 20 and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return value


def _product(properties: Properties, currency: str | None) -> Properties:
    return _priced(_identified(properties), _currency_of(properties, currency))


def _identified(properties: Properties) -> Properties:
    """A product without product_id is known by its sku."""
    if properties.get("product_id") is None and properties.get("sku") is not None:
        sku = properties["sku"]
        properties["product_id"] = str(sku) if type(sku) is int else sku
    return properties


def _currency_of(properties: Properties, default: str | None) -> str | None:
    """Upper-case, and written to the properties where they have none, so that amounts keep their meaning."""
    sent = properties.get("currency")
    currency = default if sent in (None, "") else sent
    if isinstance(currency, str):
        currency = properties["currency"] = currency.upper()
        return currency
    return None


def _priced(properties: Properties, currency: str | None) -> Properties:
    _amount(properties, "price_minor", ("price",), currency)
    return properties


def _amount(properties: Properties, name: str, sources: tuple[str, ...], currency: str | None) -> None:
    """Set `name` from the first of `sources` that is an amount. Only a currency tells the minor unit."""
    if properties.get(name) is not None or currency is None:
        return
    amounts = (to_minor(properties.get(source), currency) for source in sources)
    found = next((amount for amount in amounts if amount is not None), None)
    if found is not None:
        properties[name] = found


def _order(properties: Properties, default: str | None) -> Properties:
    currency = _currency_of(properties, default)
    # Segment: `total` is what was paid, `revenue` leaves out shipping and taxes.
    _amount(properties, "total_minor", ("total", "revenue", "value"), currency)
    if properties.get("items") is None and isinstance(properties.get("products"), list):
        properties["items"] = [_item(product, currency) for product in properties.pop("products")]
    return properties


def _item(product: Any, currency: str | None) -> Any:
    return _priced(_identified(_plain(product)), currency) if isinstance(product, dict) else product


def _refund(properties: Properties, default: str | None) -> Properties:
    currency = _currency_of(properties, default)
    _amount(properties, "amount_minor", ("total", "revenue", "value"), currency)
    return properties


def _message(properties: Properties, _: str | None) -> Properties:
    """`decode` drops the text as well; here it is kept out of Kafka."""
    texts = [properties.pop(name) for name in TEXT_KEYS if name in properties]
    text = next((text for text in texts if isinstance(text, str)), None)
    if text is not None and properties.get("text_length") is None:
        properties["text_length"] = len(text)
    return properties


_SPECIAL: Final[dict[str, Callable[[Properties, str | None], Properties]]] = {
    "product_viewed": _product,
    "product_added": _product,
    "order_completed": _order,
    "order_refunded": _refund,
    "message_sent": _message,
}
