"""What is kept of a message's `context`: everything but what tells a person or a device apart."""

from __future__ import annotations

from typing import Any, Final

from streams.collector.bots import reduce

_NOT_KEPT: Final = frozenset(
    {
        "ip",
        "location",
        "userAgent",
        "userAgentData",
        "client_hints",
        "sessionId",  # the event's session_id
        "traits",  # belong to identify
        "externalIds",
    }
)
_DEVICE_KEPT: Final = ("type", "manufacturer", "model", "name")


def kept(context: Any, user_agent_header: str) -> dict[str, Any]:
    """The context to store under `properties.context`, {} if nothing remains.

    Args:
        context: as sent; anything but an object counts as none.
        user_agent_header: of the request, used when the message names none and a browser sent it.
    """
    sent = context if isinstance(context, dict) else {}
    remains = {name: value for name, value in sent.items() if name not in _NOT_KEPT and value is not None}
    if "device" in remains:
        remains.update(_device(remains.pop("device")))
    user_agent = sent.get("userAgent")
    if not (isinstance(user_agent, str) and user_agent) and user_agent_header.startswith("Mozilla/"):
        user_agent = user_agent_header
    if isinstance(user_agent, str) and user_agent:
        family, is_bot = reduce(user_agent)
        remains.update(ua_family=family, is_bot=is_bot)
    return remains


def _device(device: Any) -> dict[str, Any]:
    sent = device if isinstance(device, dict) else {}
    remains = {name: sent[name] for name in _DEVICE_KEPT if sent.get(name) is not None}
    return {"device": remains} if remains else {}
