"""What a client is told instead of an answer."""

from __future__ import annotations

import orjson
from aiohttp import web


class Refused(Exception):
    """A question without an answer.

    Args:
        status: of HTTP: 400, 401, 403, 404 or 503.
        message: one line for people: what is wrong, and what is allowed. No values of the request.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def error_body(message: str) -> bytes:
    """`{"error": "one line"}`."""
    return orjson.dumps({"error": message})


def refusal(refused: Refused) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
    return web.Response(
        status=refused.status,
        body=error_body(refused.message),
        content_type="application/json",
        headers=headers,
    )
