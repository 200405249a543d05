"""`engage dashboard`: the live page."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from streams.config import load_settings
from streams.errors import MachineError


def dashboard(
    host: Annotated[
        str,
        typer.Option(
            help="Address to bind; others than loopback only with ENGAGE_DASHBOARD_TOKEN or _PROXY_HEADER."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 8088,
) -> None:
    """Serve the live page: overview, visitors, customers, retention, stream health.

    It reads the views of ClickHouse, as the user of ENGAGE_DASHBOARD_CLICKHOUSE_USER.
    """
    from streams import logs
    from streams.listening import listen

    settings = load_settings()
    logs.configure(settings)
    try:
        from streams.dashboard.access import Access
        from streams.dashboard.process import serve
    except ImportError as error:
        raise MachineError(
            f"{error.name} is not installed; pip install 'engagement-streams[dashboard]'."
        ) from error
    access = Access.of(settings, host)
    import uvloop

    uvloop.install()
    with listen(host, port) as listener:
        typer.echo(f"http://{_shown(host)}:{listener.getsockname()[1]}/")
        asyncio.run(serve(listener, settings, access))


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
