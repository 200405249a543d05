"""What the commands' tests have, for the tests of this directory that run commands."""

from __future__ import annotations

from tests.cli.conftest import clickhouse, clickhouse_settings, engage

__all__ = ["clickhouse", "clickhouse_settings", "engage"]
