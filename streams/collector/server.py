"""The routes, and how every answer is made."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Final

import msgspec
import structlog
from aiohttp import web

from streams.collector import cloud_events, dialects
from streams.collector.answers import Refused, malformed, refusal, success
from streams.collector.cors import cors_headers, preflight_headers
from streams.collector.delivery import Delivery
from streams.collector.dialects import Dialect
from streams.collector.keys import WriteKeys
from streams.collector.metrics import Metrics
from streams.collector.openapi import document
from streams.collector.requests import Requests
from streams.collector.segment import KINDS

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: What the browser SDK calls them.
SHORT_FORMS: Final = {"t": "track", "p": "page", "s": "screen", "i": "identify", "a": "alias", "g": "group"}


class Server:
    """The aiohttp application of one collector."""

    def __init__(self, keys: WriteKeys, delivery: Delivery, metrics: Metrics) -> None:
        self._keys = keys
        self._delivery = delivery
        self._metrics = metrics
        self._requests = Requests(keys, delivery, metrics)
        self._ending = False
        self._openapi = msgspec.json.encode(document(_version()))

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._answering])
        for path in ("/v1/batch", "/v1/b"):
            app.router.add_post(path, self._taking(dialects.SEGMENT_BATCH))
        for name, kind in {**{kind: kind for kind in KINDS}, **SHORT_FORMS}.items():
            app.router.add_post(f"/v1/{name}", self._taking(dialects.segment_call(kind)))
        app.router.add_post("/v1/cloudevents", self._take_cloud_events)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_text)
        app.router.add_get("/version", self._version)
        app.router.add_get("/openapi.json", self._openapi_json)
        return app

    async def finish(self) -> None:
        """Return once no request is in flight; from now on every answer closes its connection."""
        self._ending = True
        await self._requests.finished()

    @web.middleware
    async def _answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer, good or bad, passes here: errors become JSON, pages get their CORS headers."""
        if request.method == "OPTIONS":
            return self._preflight(request)
        started = time.perf_counter()
        try:
            response = await handler(request)
        except Refused as refused:
            response = self._refuse(refused)
        except web.HTTPException as error:
            response = self._refuse(_not_served(error))
            response.headers.update({name: text for name, text in error.headers.items() if name == "Allow"})
        except Exception as error:
            # A defect. Its kind is logged, not its text: that may hold what the client sent.
            log.error("internal_error", kind=type(error).__name__, path=_route(request))
            response = self._refuse(
                Refused(500, "internal_error", "a defect of the collector; send again", 1.0)
            )
        response.headers.update(cors_headers(self._keys, request.headers.get("Origin", "")))
        if self._ending:
            response.force_close()
        self._metrics.requests.labels(_route(request), response.status).inc()
        self._metrics.request_seconds.labels(_route(request)).observe(time.perf_counter() - started)
        return response

    def _refuse(self, refused: Refused) -> web.Response:
        self._metrics.refused.labels(refused.code).inc()
        return refusal(refused)

    def _taking(self, dialect: Dialect) -> Handler:
        async def take(http: web.Request) -> web.Response:
            await self._requests.take(http, dialect)
            return success()

        return take

    async def _take_cloud_events(self, http: web.Request) -> web.Response:
        """Here, and only here, the Content-Type is believed: it tells one event from a batch."""
        if http.content_type not in (cloud_events.STRUCTURED, cloud_events.BATCH):
            raise malformed(
                "content_type", f"Content-Type must be {cloud_events.STRUCTURED} or {cloud_events.BATCH}"
            )
        is_batch = http.content_type == cloud_events.BATCH
        await self._requests.take(http, dialects.CLOUD_EVENTS if is_batch else dialects.CLOUD_EVENT)
        return success()

    def _preflight(self, http: web.Request) -> web.Response:
        """Of any path; a browser asks before it sends."""
        return web.Response(status=204, headers=preflight_headers(self._keys, http.headers.get("Origin", "")))

    async def _livez(self, _: web.Request) -> web.Response:
        return success()

    async def _readyz(self, _: web.Request) -> web.Response:
        problem = await self._delivery.why_not_ready()
        if problem is not None:
            raise Refused(503, "not_ready", problem, 1.0)
        return success()

    async def _metrics_text(self, _: web.Request) -> web.Response:
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": _version()})

    async def _openapi_json(self, _: web.Request) -> web.Response:
        return web.Response(body=self._openapi, content_type="application/json")


def _version() -> str:
    return version("engagement-streams")


def _route(http: web.Request) -> str:
    """The route's own path, never the one that was asked for: that is anybody's text."""
    resource = http.match_info.route.resource
    return resource.canonical if resource is not None else "other"


def _not_served(error: web.HTTPException) -> Refused:
    return Refused(error.status, error.reason.lower().replace(" ", "_"), f"{error.reason}; see /openapi.json")
