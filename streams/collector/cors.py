"""Which pages may call the collector from a browser. A preflight has no key, so any key's origin will do."""

from __future__ import annotations

from typing import Final

from streams.collector.keys import WriteKeys

_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, x-retry-count",
    "Access-Control-Max-Age": "600",
}


def cors_headers(keys: WriteKeys, origin: str) -> dict[str, str]:
    """Headers of an answer: they let the page read it if its origin is allowed."""
    headers = {"Vary": "Origin"}
    if keys.allows_origin(origin):
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    return headers


def preflight_headers(keys: WriteKeys, origin: str) -> dict[str, str]:
    """Headers of the answer to OPTIONS; without `Access-Control-Allow-Origin` a browser sends nothing."""
    return {**cors_headers(keys, origin), **(_PREFLIGHT if keys.allows_origin(origin) else {})}
