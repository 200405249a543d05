"""`engage topics`: the topics in Kafka."""

from __future__ import annotations

import typer

from streams.config import load_settings


def topics() -> None:
    """Create the Kafka topics that are missing. Safe to run again.

    ENGAGE_PARTITIONS (default 8) and ENGAGE_REPLICATION_FACTOR (default 1) hold for all of them.
    """
    from streams.ops.topics import create_topics

    settings = load_settings()
    created = create_topics(settings)
    for name in created:
        typer.echo(f"created {name}")
    typer.echo(f"Kafka at {settings.kafka_bootstrap} has all topics, {settings.partitions} partitions each.")
