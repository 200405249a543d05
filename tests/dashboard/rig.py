"""A dashboard in the test's own loop, on a real ClickHouse, with a client; and events as pages get them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timezone
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web
from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from streams.config import Settings
from streams.dashboard.access import Access
from streams.dashboard.process import Dashboard, assemble
from streams.embedded.ports import LOOPBACK
from streams.listening import listen

Json = Any


class Running(NamedTuple):
    """A dashboard that serves."""

    url: str
    parts: Dashboard
    http: aiohttp.ClientSession

    async def get(self, path: str, status: int = 200, **query: str) -> Json:
        """The JSON of an answer that has this status."""
        async with self.http.get(path, params=query) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    def gauge(self, name: str, **labels: str) -> float:
        """The value of one of its metrics."""
        return self.parts.metrics.registry.get_sample_value(f"engagement_dashboard_{name}", labels) or 0.0


@asynccontextmanager
async def serving(settings: Settings, *, token: str = "", header: str = "") -> AsyncIterator[Running]:
    """A dashboard on a free port until the block ends."""
    settings = settings.model_copy(
        update={"dashboard_token": SecretStr(token), "dashboard_proxy_header": header}
    )
    parts = await assemble(settings, Access.of(settings, LOOPBACK))
    with listen(LOOPBACK, 0) as listener:
        await web.SockSite(parts.runner, listener).start()
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        try:
            async with aiohttp.ClientSession(url) as http:
                yield Running(url, parts, http)
        finally:
            await parts.close()


class Told(NamedTuple):
    """One server-sent event."""

    name: str
    data: Json


@asynccontextmanager
async def listening(running: Running, path: str, **query: str) -> AsyncIterator[AsyncIterator[Told]]:
    """The events of a stream; leaving the block closes the connection."""
    async with running.http.get(path, params=query, timeout=aiohttp.ClientTimeout(total=None)) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        yield _events(answer)
        answer.close()


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[Told]:
    name = "message"
    async for line in answer.content:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield Told(name, json.loads(value))
            name = "message"


def rows(client: Client, sql: str, **parameters: Any) -> list[dict[str, Json]]:
    """The rows of a query as they must be in an answer."""
    named = client.query(sql, parameters=parameters).named_results()
    return [{name: _as_json(value) for name, value in row.items()} for row in named]


def _as_json(value: Any) -> Json:
    if isinstance(value, datetime):
        in_utc = value.astimezone(timezone.utc) if value.tzinfo else value
        return f"{in_utc:%Y-%m-%dT%H:%M:%S}.{in_utc.microsecond // 1000:03}Z"
    return value.isoformat() if isinstance(value, date) else value
