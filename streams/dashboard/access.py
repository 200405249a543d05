"""Who may look: on loopback everybody, elsewhere who has the token or comes through the reverse proxy."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from streams.config import Settings
from streams.dashboard.refusals import Refused
from streams.errors import ConfigError

COOKIE: Final = "engagement_dashboard"


def is_loopback(authority: str) -> bool:
    """Whether `host` or `host:port` is this machine only: `localhost`, 127.0.0.0/8 or [::1]."""
    try:
        name = urlsplit(f"//{authority}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, repr=False)
class Access:
    """What a request must bring. With both a token and a header, both; with neither, a loopback name as Host.

    The Host is looked at because any web page may have its own name resolve to 127.0.0.1, and would then read
    this server as its own (DNS rebinding).
    """

    token: str
    proxy_header: str

    @classmethod
    def of(cls, settings: Settings, host: str) -> Access:
        """
        Raises:
            ConfigError: `host` is more than loopback, and anybody could look.
        """
        access = cls(settings.dashboard_token.get_secret_value(), settings.dashboard_proxy_header)
        authority = f"[{host}]" if ":" in host else host
        if access.is_open and not is_loopback(authority):
            raise ConfigError(
                f"--host {host}: anybody could look at customers; set ENGAGE_DASHBOARD_TOKEN "
                "or ENGAGE_DASHBOARD_PROXY_HEADER, or leave it at 127.0.0.1"
            )
        return access

    @property
    def is_open(self) -> bool:
        return not self.token and not self.proxy_header

    def check(self, request: web.Request) -> None:
        """
        Raises:
            Refused: 401 without what is asked for, 403 for another Host than loopback.
        """
        if self.is_open and not is_loopback(request.headers.get("Host", "")):
            raise Refused(403, "without a token only localhost is served; the README says how to set one")
        if self.proxy_header and not request.headers.get(self.proxy_header):
            raise Refused(401, f"come through the reverse proxy, which sets {self.proxy_header}")
        if self.token and not self._has_token(request):
            raise Refused(401, "send the token as Authorization: Bearer, or log in at /login")

    def is_token(self, text: str) -> bool:
        """In a time that does not tell how much of it was right."""
        return bool(self.token) and _equal(text, self.token)

    def cookie(self) -> str:
        """What a browser keeps in the token's place; another token makes it void."""
        return hmac.new(self.token.encode(), COOKIE.encode(), hashlib.sha256).hexdigest()

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(text.strip()):
            return True
        return _equal(request.cookies.get(COOKIE, ""), self.cookie())


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
