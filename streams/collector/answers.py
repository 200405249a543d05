"""What a client is told: 200 and `{"success": true}`, or why not."""

from __future__ import annotations

import math
from typing import Final

import msgspec
from aiohttp import web

SUCCESS: Final = b'{"success":true}'


class Refused(Exception):
    """A request that is not taken; nothing of it has been kept.

    Args:
        status: of HTTP.
        code: for programs, in snake_case.
        message: one line for people; no values of the request.
        retry_after_seconds: when trying again makes sense; None if it does not.
    """

    def __init__(
        self, status: int, code: str, message: str, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_seconds = retry_after_seconds


def malformed(code: str, message: str) -> Refused:
    return Refused(400, code, message)


def success() -> web.Response:
    return web.Response(body=SUCCESS, content_type="application/json")


def refusal(refused: Refused) -> web.Response:
    body = {"success": False, "code": refused.code, "message": refused.message}
    headers = {}
    if refused.retry_after_seconds is not None:
        # Whole seconds, and at least one: 0 would invite a client to spin.
        headers["Retry-After"] = str(max(1, math.ceil(refused.retry_after_seconds)))
    if refused.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="write key"'
    return web.Response(
        status=refused.status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers=headers,
    )
