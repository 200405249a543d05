"""`engage collect`: HTTP in, Kafka out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streams.config import load_settings
from streams.errors import MachineError


def collect(
    keys: Annotated[
        Path, typer.Option(help="TOML file with write keys; deploy/collector/keys.example.toml shows how.")
    ],
    host: Annotated[
        str, typer.Option(help="Address to bind; others than loopback only if you say so.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = 8090,
) -> None:
    """Take events over HTTP from Segment and RudderStack SDKs, or as CloudEvents, and send them to Kafka.

    An answer of 200 means that Kafka has everything. SIGTERM finishes the requests at hand.
    """
    from streams import logs
    from streams.kafka_security import brokers_of
    from streams.listening import listen

    settings = load_settings()
    logs.configure(settings)
    try:
        from streams.collector.keys import load_keys
        from streams.collector.process import serve
    except ImportError as error:
        raise MachineError(
            f"{error.name} is not installed; pip install 'engagement-streams[collector]'."
        ) from error
    write_keys = load_keys(keys)
    brokers = brokers_of(settings)
    import uvloop

    from streams.cli.worker import collect_rarely

    uvloop.install()
    collect_rarely()
    with listen(host, port) as listener:
        asyncio.run(serve(listener, write_keys, brokers))
