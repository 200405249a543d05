"""ClickHouse for one machine: chDB behind ClickHouse's HTTP interface, as one process on loopback."""

from __future__ import annotations

from streams.embedded.clickhouse.launch import command, wait_until_ready

__all__ = ["command", "wait_until_ready"]
