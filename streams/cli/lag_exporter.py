"""`engage lag-exporter`: lag for Prometheus, and as rows."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from streams.config import load_settings


def lag_exporter(
    group: Annotated[
        Optional[list[str]],  # noqa: UP045 (typer reads it on Python 3.10 too)
        typer.Option(help="Consumer group; may be given several times. [default: ENGAGE_GROUP_ID]"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to bind; others than loopback only if you say so.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 9308,
) -> None:
    """Serve how far consumer groups are behind on /metrics, and write it to ClickHouse.

    Each scrape measures anew. Rows for v_stream_lag are written every ENGAGE_LAG_INTERVAL_SECONDS. Kafka and
    ClickHouse may be away: /readyz and the metric engagement_lag_exporter_up say so.
    """
    from streams import logs
    from streams.ops.lag_exporter import export

    settings = load_settings()
    logs.configure(settings)
    export(settings, group or [settings.group_id], host, port)
