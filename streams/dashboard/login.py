"""The way in for browsers: the token in a form, a cookie afterwards."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from streams.dashboard.access import COOKIE, Access
from streams.dashboard.refusals import Refused


class Login:
    """`/login?next=/path`; without a token there is no such page."""

    def __init__(self, access: Access, page: Path) -> None:
        self._access = access
        self._page = page

    def instead_of(self, request: web.Request) -> web.Response:
        """Send a browser here, and from here to where it wanted to go."""
        return _see_other(f"/login?next={quote(request.raw_path, safe='')}")

    async def show(self, _: web.Request) -> web.StreamResponse:
        self._check_there_is_one()
        return web.FileResponse(self._page)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Set the cookie and go on; with a wrong token show the page again, and say so on it."""
        self._check_there_is_one()
        if request.content_type != "application/x-www-form-urlencoded":
            raise Refused(400, "send the field `token` as application/x-www-form-urlencoded")
        token = (await request.post()).get("token", "")
        if not isinstance(token, str) or not self._access.is_token(token):
            # Without script, only the address can make the line show.
            return _see_other(f"{request.raw_path}#refused")
        response = _see_other(_local(request.query.get("next", "")))
        is_tls = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            COOKIE, self._access.cookie(), path="/", httponly=True, samesite="Strict", secure=is_tls
        )
        return response

    def _check_there_is_one(self) -> None:
        if not self._access.token:
            raise Refused(404, "there is nothing to log in to: no token is set")


def _see_other(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _local(path: str) -> str:
    """A path of this server; what browsers might take for another server's name becomes the start."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path.isascii() and path.isprintable() else "/"
