"""User agents, reduced to a family: the text itself is close to a fingerprint and is not stored."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import ua_parser

_MAX_LENGTH: Final = 512
_SPIDER: Final = "Spider"


class UserAgent(NamedTuple):
    """`family`: Chrome, Googlebot, …, or Other; `is_bot`: ua-parser's device family is Spider."""

    family: str
    is_bot: bool


def reduce(user_agent: str) -> UserAgent:
    """Of a very long text only the beginning is looked at."""
    return _reduce(user_agent[:_MAX_LENGTH])


@lru_cache(maxsize=4096)
def _reduce(user_agent: str) -> UserAgent:
    parsed = ua_parser.parse(user_agent)
    family = parsed.user_agent.family if parsed.user_agent else "Other"
    return UserAgent(family, parsed.device is not None and parsed.device.family == _SPIDER)
