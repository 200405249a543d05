"""The routes, and how every answer is made."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import orjson
import structlog
from aiohttp import web

from streams.dashboard.access import Access
from streams.dashboard.customer import Customer
from streams.dashboard.events import stream
from streams.dashboard.health import Health
from streams.dashboard.hub import Hub
from streams.dashboard.login import Login
from streams.dashboard.metrics import Metrics
from streams.dashboard.overview import Overview
from streams.dashboard.refusals import Refused, refusal
from streams.dashboard.retention import Retention
from streams.dashboard.search import Search
from streams.dashboard.subject import Subject, Views
from streams.dashboard.timeline import Timeline
from streams.dashboard.visitors import Visitors

log = structlog.get_logger("streams.dashboard")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Asked = Callable[[web.Request], Subject]

STATIC: Final = Path(__file__).parent / "static"
#: All are the same file, whose script reads the address.
PAGES: Final = ("/", "/visitors", "/customers/{id}", "/retention", "/health")
LIVE: Final[dict[str, Asked]] = {
    "/overview": lambda request: Overview(),
    "/visitors": lambda request: Visitors.asked(request.query),
    "/customers/{id}": lambda request: Customer.asked(request.match_info["id"], request.query),
    "/health": lambda request: Health(),
}
ASKED_ONCE: Final[dict[str, Asked]] = {
    "/customers": lambda request: Search.asked(request.query),
    "/customers/{id}/events": lambda request: Timeline.asked(request.match_info["id"], request.query),
    "/retention": lambda request: Retention.asked(request.query),
}
#: An id may have any characters; a slash in it comes as %2F. Without this, aiohttp would not take braces.
_ANY_ID: Final = ("{id}", "{id:[^/]+}")
#: They say nothing of customers.
OPEN: Final = ("/login", "/csp-report", "/livez", "/readyz", "/metrics")

_CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "report-uri /csp-report",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Server:
    """The aiohttp application of one dashboard."""

    def __init__(self, views: Views, hub: Hub, access: Access, metrics: Metrics) -> None:
        self._views = views
        self._hub = hub
        self._access = access
        self._metrics = metrics
        self._login = Login(access, STATIC / "login.html")

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._answering], client_max_size=16 * 1024)
        app.on_response_prepare.append(_add_headers)
        for path in PAGES:
            app.router.add_get(path.replace(*_ANY_ID), self._page)
        for path, asked in {**LIVE, **ASKED_ONCE}.items():
            app.router.add_get(f"/api{path}".replace(*_ANY_ID), self._answers(asked))
        for path, asked in LIVE.items():
            app.router.add_get(f"/stream{path}".replace(*_ANY_ID), self._streams(asked), allow_head=False)
        app.router.add_get("/login", self._login.show)
        app.router.add_post("/login", self._login.take)
        app.router.add_post("/csp-report", self._csp_report)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_text)
        app.router.add_static("/static", STATIC)
        return app

    @web.middleware
    async def _answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer, good or bad, passes here: the door, and errors as JSON."""
        started = time.perf_counter()
        try:
            self._check(request)
            response = await handler(request)
        except Refused as refused:
            response = self._refuse(request, refused)
        except web.HTTPException as error:
            response = _not_served(error)
        except Exception as error:
            # A defect. Its kind is logged, not its text: that may hold what the client sent.
            log.error("internal_error", kind=type(error).__name__, path=_route(request))
            response = refusal(Refused(500, "a defect of the dashboard; its log says more"))
        self._metrics.requests.labels(_route(request), response.status).inc()
        if not request.path.startswith("/stream/"):
            self._metrics.request_seconds.labels(_route(request)).observe(time.perf_counter() - started)
        return response

    def _check(self, request: web.Request) -> None:
        if request.path not in OPEN and not request.path.startswith("/static/"):
            self._access.check(request)

    def _refuse(self, request: web.Request, refused: Refused) -> web.Response:
        is_page = _route(request) in PAGES
        if refused.status == 401 and is_page and self._access.token:
            return self._login.instead_of(request)
        return refusal(refused)

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    def _answers(self, asked: Asked) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            body = orjson.dumps(await self._hub.look(asked(request)))
            return web.Response(body=body, content_type="application/json")

        return answer

    def _streams(self, asked: Asked) -> Handler:
        async def listen(request: web.Request) -> web.StreamResponse:
            with self._hub.listening(asked(request)) as topic:
                return await stream(request, topic)

        return listen

    async def _csp_report(self, request: web.Request) -> web.StreamResponse:
        """Counted only: a report names the page, and so perhaps a customer."""
        await request.read()
        self._metrics.csp_reports.inc()
        log.warning("content_security_policy_violated")
        return web.Response(status=204)

    async def _livez(self, _: web.Request) -> web.StreamResponse:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.StreamResponse:
        await self._views.as_of()
        return web.Response(text="ok\n")

    async def _metrics_text(self, _: web.Request) -> web.StreamResponse:
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """To every answer, files and streams included. A file is kept, and asked for again by its ETag."""
    is_file = request.path.startswith("/static/") and response.status < 400
    response.headers.update({**_HEADERS, "Cache-Control": "no-cache" if is_file else "no-store"})


def _route(request: web.Request) -> str:
    """The route's own path, never the one that was asked for: that is anybody's text."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "other"


def _not_served(error: web.HTTPException) -> web.Response:
    response = refusal(Refused(error.status, f"{error.reason}; ARCHITECTURE.md lists what is served"))
    response.headers.update({name: text for name, text in error.headers.items() if name == "Allow"})
    return response
