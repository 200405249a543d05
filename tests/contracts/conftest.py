"""One suite, several servers: the embedded ClickHouse, and a real one where `CLICKHOUSE_URL` names it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class Server:
    """Where to connect, and the database of this test module."""

    url: str
    database: str = ""

    def options(self, **more: Any) -> dict[str, Any]:
        """Arguments for clickhouse-connect."""
        url = urlsplit(self.url)
        return {
            "host": url.hostname,
            "port": url.port,
            "secure": url.scheme == "https",
            "username": unquote(url.username or "default"),
            "password": unquote(url.password or ""),
            "database": self.database or "__default__",
            "autogenerate_session_id": False,
            "settings": {"async_insert": 0},
            **more,
        }

    def client(self, **more: Any) -> Client:
        return clickhouse_connect.get_client(**self.options(**more))

    async def async_client(self, **more: Any) -> AsyncClient:
        return await clickhouse_connect.get_async_client(**self.options(**more))


@pytest.fixture(scope="module", params=["embedded", "server"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A ClickHouse with an empty database of its own."""
    if request.param == "server" and not os.environ.get("CLICKHOUSE_URL"):
        pytest.skip("CLICKHOUSE_URL is not set: no real ClickHouse server to test against")
    embedded = request.param == "embedded"
    url = request.getfixturevalue("clickhouse_front") if embedded else os.environ["CLICKHOUSE_URL"]
    name = f"contract_{uuid.uuid4().hex[:12]}"
    with Server(url).client() as admin:
        admin.command(f"CREATE DATABASE {name}")
        yield Server(url, name)
        admin.command(f"DROP DATABASE {name}")


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def table(client: Client, request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Creates a table from its columns, `MergeTree ORDER BY tuple()`, and drops it after the test."""
    names: list[str] = []

    def create(columns: str, suffix: str = "ENGINE = MergeTree ORDER BY tuple()") -> str:
        names.append(f"t_{uuid.uuid4().hex[:12]}")
        client.command(f"CREATE TABLE {names[-1]} ({columns}) {suffix}")
        return names[-1]

    yield create
    for name in names:
        client.command(f"DROP TABLE {name}")
