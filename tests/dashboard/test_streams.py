"""Live answers: what is sent when, who shares what, and when nobody looks any more."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from streams.config import Settings
from streams.dashboard import hub
from streams.embedded import clickhouse
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.migrations import migrate
from tests.dashboard.rig import Running, Told, listening, serving
from tests.ops.audited import KNOWN
from tests.sql.devices import write
from tests.sql.lives import NEWEST
from tests.sql.scenario import Event

LIVE = ("/overview", "/visitors", f"/customers/{KNOWN}", "/health")


async def first(events: AsyncIterator[Told], name: str = "message") -> Told:
    """The first event of this name; those before it do not matter."""
    async for told in events:
        if told.name == name:
            return told
    raise AssertionError(f"the stream has ended without {name}")


async def until(running: Running, name: str, value: float) -> None:
    """Wait for a metric, which has no event to wait for here."""
    while running.gauge(name) != value:  # noqa: ASYNC110 (a gauge)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", LIVE)
async def test_a_stream_begins_with_the_answer(running: Running, path: str) -> None:
    async with listening(running, f"/stream{path}") as events:
        told = (await first(events)).data
    asked = await running.get(f"/api{path}")
    for answer in (told, asked):
        for row in answer.get("freshness", []):  # differs from millisecond to millisecond
            del row["freshness_seconds"]
    assert told == asked


@pytest.mark.parametrize("path", ["/visitors", f"/customers/{KNOWN}"])
async def test_what_happens_is_told(running: Running, client: Client, path: str) -> None:
    async with listening(running, f"/stream{path}") as events:
        await first(events)
        happened = Event(f"new-{path}", KNOWN, "search_performed", NEWEST, properties={"query": path})
        write(client, [happened])
        async for told in events:
            if path in str(told.data):
                break
        assert path in str(told.data)


async def test_filters_hold_for_streams(running: Running) -> None:
    async with listening(running, "/stream/visitors", channel="chat", limit="1") as events:
        told = (await first(events)).data
    assert told == await running.get("/api/visitors", channel="chat", limit="1")
    assert {row["channel"] for row in told["visitors"]} <= {"chat"}


async def test_rates_come_with_the_second_look(running: Running, client: Client) -> None:
    async with listening(running, "/stream/overview") as events:
        assert {rate["events_per_second"] for rate in (await first(events)).data["rates"]} == {None}
        write(client, [Event(f"rate-{n}", "rate", "page_viewed", NEWEST) for n in range(100)])
        async for told in events:
            rates = {rate["channel"]: rate["events_per_second"] for rate in told.data["rates"]}
            if rates["website"]:
                break
        assert rates["website"] > 0
        assert rates["purchase"] == 0


async def test_all_who_listen_to_the_same_share_its_looks(running: Running) -> None:
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(listening(running, "/stream/visitors", channel=channel))
            for channel in ("", "", "", "chat")
        ]
        told = [(await first(events)).data for events in streams]
        assert told[0] == told[1] == told[2] != told[3]
        assert running.gauge("listeners") == 4
        assert running.gauge("topics") == 2


async def test_nobody_looks_when_nobody_listens(running: Running) -> None:
    async with listening(running, "/stream/visitors") as one:
        async with listening(running, "/stream/visitors") as other:
            await first(one)
            await first(other)
        await until(running, "listeners", 1)
        assert running.gauge("topics") == 1
        assert looks_going_on() == 1
    await until(running, "listeners", 0)
    assert running.gauge("topics") == 0
    await asyncio.sleep(0)  # a cancelled task ends a turn of the loop later
    assert looks_going_on() == 0


def looks_going_on() -> int:
    return sum(task.get_name() == hub.TASK_NAME for task in asyncio.all_tasks())


async def test_too_many_pages_are_refused(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_LISTENERS", 1)
    async with listening(running, "/stream/visitors") as events:
        await first(events)
        told = await running.get("/stream/health", status=503)
        assert told["error"] == "at most 1 pages can be live at once; close some"


async def test_streams_end_when_the_server_does(settings: Settings, client: Client) -> None:
    async with serving(settings) as ending, listening(ending, "/stream/visitors") as events:
        await first(events)
        ending.parts.hub.close()
        assert [told async for told in events] == []
        assert (await ending.get("/stream/visitors", status=503))["error"]


@pytest.mark.slow
async def test_without_clickhouse_pages_are_told_and_afterwards_go_on(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    settings = Settings(clickhouse_url=f"http://{LOOPBACK}:{port}/engagement")
    async with serving(settings) as running:
        # It may start first.
        told = await running.get("/api/overview", status=503)
        assert told["error"] == "ClickHouse does not answer: Connection refused"
        await running.get("/readyz", status=503)
        async with listening(running, "/stream/visitors") as events:
            assert (await anext(events)) == Told("problem", told)
            server = start(tmp_path, port)
            try:
                # Until there are views it is another problem.
                migrate(settings)
                assert (await first(events)).data["visitors"] == []
                terminate([server], 20)
                assert (await first(events, "problem")).data == told
                server = start(tmp_path, port)
                assert (await first(events)).data["visitors"] == []
            finally:
                terminate([server], 20)


def start(directory: Path, port: int) -> subprocess.Popen[bytes]:
    server = spawn(clickhouse.command(directory / "clickhouse", port), directory / "clickhouse.log")
    clickhouse.wait_until_ready(port, 60, alive=lambda: server.poll() is None)
    return server


async def test_a_page_that_takes_nothing_does_not_hold_up_others(running: Running) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1)
    writer.write(f"GET /stream/visitors HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await until(running, "listeners", 1)
    async with listening(running, "/stream/visitors") as events:
        assert (await first(events)).data["total"] > 0
    writer.close()
    await until(running, "listeners", 0)
