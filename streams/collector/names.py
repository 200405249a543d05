"""Event names of people as event types: `Product Viewed`, `productViewed` → `product_viewed`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MAX_TYPE_LENGTH: Final = 64
MAX_NAME_LENGTH: Final = 512
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")
_VERSION: Final = re.compile(r"v\d+", re.IGNORECASE)


def snake_case(name: str) -> str:
    """`[a-z][a-z0-9_]{0,63}`; '' if the name has no ASCII letter or digit. A leading digit gets `event_`."""
    return _snake_case(name[:MAX_NAME_LENGTH])


def says_it_all(name: str) -> bool:
    """Whether the type holds every letter and digit of the name, so that the name need not be kept, too."""
    return len(name) <= MAX_NAME_LENGTH and _says_it_all(name)


def without_domain(cloud_event_type: str) -> str:
    """`com.example.shop.product_viewed.v2` → `product_viewed`: the last part that is no version."""
    parts = [part for part in cloud_event_type[:MAX_NAME_LENGTH].split(".") if part]
    while len(parts) > 1 and _VERSION.fullmatch(parts[-1]):
        parts.pop()
    return parts[-1] if parts else ""


# Names repeat from event to event. Senders choose them, so the caches hold short ones only.
@lru_cache(maxsize=4096)
def _snake_case(name: str) -> str:
    words = _NOT_WORD.sub("_", _CAMEL.sub("_", name).lower()).strip("_")
    if words[:1].isdigit():
        words = f"event_{words}"
    return words[:MAX_TYPE_LENGTH].rstrip("_")


@lru_cache(maxsize=4096)
def _says_it_all(name: str) -> bool:
    letters = "".join(character for character in name.lower() if character.isalnum())
    return _snake_case(name).replace("_", "") == letters
