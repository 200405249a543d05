"""The process: a server on its socket, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import NamedTuple

import structlog
from aiohttp import web

from streams.config import Settings
from streams.dashboard.access import Access
from streams.dashboard.hub import Hub
from streams.dashboard.metrics import Metrics
from streams.dashboard.reading import Reader
from streams.dashboard.remembering import Remembering
from streams.dashboard.server import Server
from streams.dashboard.subject import Views

log = structlog.get_logger("streams.dashboard")


class Dashboard(NamedTuple):
    """The parts of one dashboard. `runner` is set up, and serves once it has a site."""

    runner: web.AppRunner
    hub: Hub
    reader: Reader
    metrics: Metrics

    async def close(self) -> None:
        """Tell the pages that listen, finish the requests at hand, and let ClickHouse go."""
        self.hub.close()
        await self.runner.cleanup()
        self.reader.close()


async def assemble(settings: Settings, access: Access) -> Dashboard:
    """All parts, for the running loop; ClickHouse is not asked for anything yet."""
    metrics = Metrics()
    reader = Reader(settings, metrics)
    views = Views(live=reader, slow=Remembering(reader))
    hub = Hub(views, metrics)
    runner = web.AppRunner(
        Server(views, hub, access, metrics).application(),
        access_log=None,  # addresses, and paths that name customers, are personal data
        handler_cancellation=True,  # a page that is closed ends its stream, and the query it waits for
        shutdown_timeout=1.0,
    )
    await runner.setup()
    return Dashboard(runner, hub, reader, metrics)


async def serve(listener: socket.socket, settings: Settings, access: Access) -> None:
    """Serve until SIGTERM or SIGINT; then end in order."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # It would print addresses, and what was sent, whenever a request is not HTTP.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    dashboard = await assemble(settings, access)
    site = web.SockSite(dashboard.runner, listener)
    await site.start()
    host, port = listener.getsockname()[:2]
    log.info("dashboard_started", host=host, port=port)
    await stop.wait()
    # uvloop leaves a socket open that it was given; the kernel would go on to accept connections for it.
    await site.stop()
    listener.close()
    await dashboard.close()
    log.info("dashboard_stopped")
