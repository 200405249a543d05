"""A database with rows in every view on the embedded front, and what each client has read there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.migrations import migrate
from tests.bi.clients import Client
from tests.bi.data import fill
from tests.bi.place import Place
from tests.bi.reading import Reading, read

_DATABASE = "bi"

ReadBy = Callable[[Client], Reading]


@pytest.fixture(scope="session")
def place(clickhouse_front: str) -> Place:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/{_DATABASE}", clock=Clock.EVENT)
    migrate(settings)
    client = connect(settings)
    fill(client)
    client.close()
    return Place(clickhouse_front, _DATABASE)


@pytest.fixture(scope="session")
def read_by(place: Place) -> ReadBy:
    """Has a client read everything, once; skips where this machine lacks what it runs on."""

    @cache
    def reading(client: Client) -> Reading:
        return read(client.lines(place, [*client.tool.asks, *client.tool.refused]))

    def reading_or_skip(client: Client) -> Reading:
        if client.lacks:
            pytest.skip(f"{client.name} {client.lacks}")
        return reading(client)

    return reading_or_skip
