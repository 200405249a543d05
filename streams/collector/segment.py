"""A message of the Segment spec → our event. Pure, never raises, and always gives an event, if a poor one.

What cannot be mapped is left out or passed on as sent, and `judging` says whether an event has come of it.
The table in deploy/collector/README.md is tested against this file row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from uuid import uuid4

from streams.collector import context as contexts
from streams.collector.names import says_it_all, snake_case
from streams.collector.properties import translate

KINDS: Final = ("track", "page", "screen", "identify", "alias", "group")
MAX_EVENT_ID_LENGTH: Final = 64

# Names whose snake_case is not our type yet.
_TYPE_OF_NAME: Final = {
    "products_searched": "search_performed",
    "live_chat_conversation_started": "conversation_started",
    "live_chat_conversation_ended": "conversation_ended",
    "live_chat_message_sent": "message_sent",
    "live_chat_message_received": "message_sent",
}
# Segment's live chat spec looks from the visitor: sent by them, received from an agent.
_AUTHOR_OF_NAME: Final = {"live_chat_message_sent": "customer", "live_chat_message_received": "agent"}

Message = dict[str, Any]


class Sender(NamedTuple):
    """What is known of a request beyond its messages."""

    source: str
    currency: str | None = None
    user_agent: str = ""
    context: Any = None
    """Of the whole batch; a message's own keys win."""


class Mapped(NamedTuple):
    """An event without its `occurred_at`, and the texts that this is found from."""

    event: dict[str, Any]
    own_time: Any
    sent_at: Any


def to_event(message: Message, kind: object, sender: Sender) -> Mapped:
    """Map one message; `kind` is one of `KINDS`, from the path or from the message's own `type`."""
    context = _context(message, sender)
    build = _BUILD.get(kind) if isinstance(kind, str) else None
    event_type, properties = build(message, context, sender) if build else (None, _properties(message))
    kept = contexts.kept(context, sender.user_agent)
    if kept and isinstance(properties, dict):
        own = properties.get("context")
        properties = {**properties, "context": {**own, **kept} if isinstance(own, dict) else kept}
    event = {
        "event_id": event_id(message.get("messageId")),
        "type": event_type,
        "customer_id": identifier(message.get("userId")),
        "anonymous_id": identifier(message.get("anonymousId")),
        "session_id": identifier(context.get("sessionId")),
        "source": sender.source,
        "properties": properties,
    }
    own_time = message.get("timestamp") or message.get("originalTimestamp")
    return Mapped(
        {name: value for name, value in event.items() if value is not None}, own_time, message.get("sentAt")
    )


def event_id(message_id: object) -> str:
    """The message's id; a longer one is hashed, always alike; a message without one gets a random id."""
    given = identifier(message_id)
    if not isinstance(given, str):
        return str(uuid4())
    if len(given) <= MAX_EVENT_ID_LENGTH:
        return given
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def identifier(value: object) -> Any:
    """Ids that are integers become texts, and an empty one is none. Others are for `decode` to refuse."""
    if type(value) is int:
        return str(value)
    return None if value == "" else value


def _context(message: Message, sender: Sender) -> dict[str, Any]:
    own = message.get("context")
    shared = sender.context
    if isinstance(shared, dict):
        return {**shared, **own} if isinstance(own, dict) else shared
    return own if isinstance(own, dict) else {}


def _properties(message: Message) -> Any:
    properties = message.get("properties")
    return {} if properties is None else properties


def _track(message: Message, context: dict[str, Any], sender: Sender) -> tuple[Any, Any]:
    name, properties = message.get("event"), _properties(message)
    if not isinstance(name, str) or not isinstance(properties, dict):
        return (snake_case(name) or None if isinstance(name, str) else None), properties
    words = snake_case(name)
    if words in _AUTHOR_OF_NAME and properties.get("author") is None:
        properties = {**properties, "author": _AUTHOR_OF_NAME[words]}
    event_type = _TYPE_OF_NAME.get(words, words)
    if name and not words:
        event_type = "unnamed_event"  # its name has no letter that a type may have
    if not says_it_all(name):
        properties = {**properties, "event_name": name}
    return event_type or None, translate(event_type, properties, sender.currency)


def _page(message: Message, context: dict[str, Any], sender: Sender) -> tuple[Any, Any]:
    properties = _named(message)
    if not isinstance(properties, dict):
        return "page_viewed", properties
    page = context.get("page")
    page = page if isinstance(page, dict) else {}
    for name in ("url", "title", "referrer"):
        if properties.get(name) in (None, "") and page.get(name):
            properties[name] = page[name]
    if properties.get("url") in (None, ""):
        properties["url"] = properties.get("path") or page.get("path")
    if properties["url"] is None:  # servers name pages without saying where they are
        del properties["url"]
        return "screen_viewed", properties
    return "page_viewed", translate("page_viewed", properties, None)


def _screen(message: Message, context: dict[str, Any], sender: Sender) -> tuple[Any, Any]:
    return "screen_viewed", _named(message)


def _named(message: Message) -> Any:
    """Properties with the call's own `name` and `category`."""
    properties = _properties(message)
    if not isinstance(properties, dict):
        return properties
    beside = {name: message[name] for name in ("name", "category") if message.get(name) is not None}
    return {**beside, **properties}


def _identify(message: Message, context: dict[str, Any], sender: Sender) -> tuple[Any, Any]:
    traits = message.get("traits")
    return "identify", _with_properties(message, traits=context.get("traits") if traits is None else traits)


def _group(message: Message, context: dict[str, Any], sender: Sender) -> tuple[Any, Any]:
    group_id = identifier(message.get("groupId"))
    return "group", _with_properties(message, group_id=group_id, traits=message.get("traits"))


def _alias(message: Message, context: dict[str, Any], sender: Sender) -> tuple[Any, Any]:
    # Browsers leave previousId out when it is the visitor that they are.
    previous_id = identifier(message.get("previousId")) or identifier(message.get("anonymousId"))
    return "alias", _with_properties(message, previous_id=previous_id)


def _with_properties(message: Message, **more: Any) -> Any:
    properties = _properties(message)
    if not isinstance(properties, dict):
        return properties
    return {**properties, **{name: value for name, value in more.items() if value is not None}}


_BUILD: Final[dict[str, Callable[[Message, dict[str, Any], Sender], tuple[Any, Any]]]] = {
    "track": _track,
    "page": _page,
    "screen": _screen,
    "identify": _identify,
    "alias": _alias,
    "group": _group,
}
