"""The collector beside a bare aiohttp handler that parses the same body, with batches of 50 over loopback.

Each server is a process of its own, the load generator is another, and Kafka a third. `events_per_core`
counts the server's own CPU seconds, so it holds on a machine whose other cores are busy; latency does not.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import aiohttp
import orjson
import typer
import uvloop
from aiohttp import web

from streams.config import load_settings
from streams.embedded import kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.ops.topics import create_topics
from tests.bench.measurements import Write, as_command, percentile, report
from tests.bench.usage import cpu_seconds, resident_mib

BATCH: Final = 50
_KEY: Final = "bench-key-1234"
_MARK: Final = b"@@@@@@@@"
_CUSTOMERS: Final = 10_000
_START_SECONDS: Final = 60.0
_USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
)


class Measured(NamedTuple):
    """`per_second`: events; `events_per_core`: per CPU second of the server; latencies of whole requests.

    Of several repetitions the medians, and of p99 the least as well: other work on the machine adds to it.
    """

    server: str
    load: str
    per_second: float
    events_per_core: float
    ratio_to_bare: float
    p50_ms: float
    p99_ms: float
    least_p99_ms: float
    resident_mib: float


class Load(NamedTuple):
    """`connections` that send as fast as they are answered, or at most `per_second` events together."""

    name: str
    connections: int
    seconds: float
    per_second: float | None = None


def body() -> bytes:
    """A batch as SDKs send it: views, searches, orders and chat; unique once the mark is replaced."""
    return orjson.dumps({"batch": [_message(number) for number in range(BATCH)], "sentAt": _now()})


def _message(number: int) -> dict[str, object]:
    name, properties = _CALLS[number % len(_CALLS)]
    return {
        "type": "track",
        "event": name,
        "messageId": f"node-next-{number:02}-{_MARK.decode()}-4b1f-9d0c-0d9fa2b1c3d4",
        "userId": f"c-{number * 197 % _CUSTOMERS:05}-{_MARK.decode()}",
        "anonymousId": f"7a1f{number:04}-90c5-4be1-8ab3-4f7a1c2d3e4f",
        "timestamp": _now(),
        "properties": properties,
        "context": {
            "library": {"name": "analytics-node", "version": "2.3.0"},
            "page": {
                "url": "https://shop.example/p/7",
                "title": "Mug",
                "referrer": "https://search.example/",
            },
            "locale": "de-DE",
            "ip": "203.0.113.7",
            "userAgent": _USER_AGENT.format(f"{number % 10 + 110}.0.0.0"),
        },
        "integrations": {},
        "_metadata": {"nodeVersion": "20.11.0"},
    }


_PRODUCT: Final = {
    "product_id": "p-7",
    "name": "Mug",
    "category": "kitchen",
    "price": 19.99,
    "currency": "EUR",
}
_CALLS: Final[Sequence[tuple[str, dict[str, object]]]] = (
    ("Product Viewed", _PRODUCT),
    ("Product Viewed", _PRODUCT),
    ("Products Searched", {"query": "blue mug"}),
    ("Product Added", {**_PRODUCT, "quantity": 2}),
    ("Live Chat Message Sent", {"conversation_id": "v-5", "message_body": "Is it blue?"}),
    ("Order Completed", {"order_id": "o-1", "total": 39.98, "currency": "EUR", "products": [_PRODUCT]}),
)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def main(
    seconds: Annotated[float, typer.Option(help="How long each load lasts.")] = 10.0,
    repetitions: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    write: Write = True,
) -> None:
    """Events per second and core, and latency, of the collector and of a bare handler."""
    loads = (
        Load("5,000 events/s", 16, seconds, 5_000.0),
        Load("flat out", 4, seconds),
    )
    found: list[Measured] = []
    with tempfile.TemporaryDirectory() as directory:
        for name, server in (("bare handler", _bare()), ("collector", _collector(Path(directory)))):
            with server as (pid, port):
                _measure(pid, port, Load("warm up", 2, min(3.0, seconds)))
                found += [_row(name, load, pid, port, found, repetitions) for load in loads]
    report("collector", "Collector, batches of 50", found, write)


def _row(
    name: str, load: Load, pid: int, port: int, before: Sequence[Measured], repetitions: int
) -> Measured:
    runs = [_measure(pid, port, load) for _ in range(repetitions)]
    per_second, per_core = (statistics.median(run[part] for run in runs) for part in (0, 1))
    p50_ms, p99_ms = ([percentile(run[2], percent) for run in runs] for percent in (50, 99))
    bare = next((row.events_per_core for row in before if row.load == load.name), per_core)
    medians = per_second, per_core, per_core / bare, statistics.median(p50_ms), statistics.median(p99_ms)
    return Measured(name, load.name, *medians, min(p99_ms), resident_mib(pid))


def _measure(pid: int, port: int, load: Load) -> tuple[float, float, list[float]]:
    """Events per second, events per CPU second of the server, and each request's milliseconds."""
    context = multiprocessing.get_context("spawn")
    found: multiprocessing.Queue[tuple[float, list[float]]] = context.Queue()
    process = context.Process(target=_send_all, args=(port, load, found), daemon=True)
    used_seconds = cpu_seconds(pid)
    process.start()
    took_seconds, latencies_ms = found.get(timeout=load.seconds + _START_SECONDS)
    process.join()
    used_seconds = cpu_seconds(pid) - used_seconds
    events = BATCH * len(latencies_ms)
    return events / took_seconds, events / used_seconds, latencies_ms


def _send_all(port: int, load: Load, found: multiprocessing.Queue[tuple[float, list[float]]]) -> None:
    uvloop.install()
    found.put(asyncio.run(_send(port, load)))


async def _send(port: int, load: Load) -> tuple[float, list[float]]:
    latencies_ms: list[float] = []
    template, run = body(), time.time_ns() // 1_000_000 % 100_000
    auth = {"Authorization": aiohttp.encode_basic_auth(_KEY, "")}
    pause_seconds = load.connections * BATCH / load.per_second if load.per_second else 0.0

    async def send_on(connection: int) -> None:
        due = started + connection * pause_seconds / load.connections
        number = connection
        while time.perf_counter() < started + load.seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            # Of a request that could not be sent in time, the wait counts as well.
            began = due if pause_seconds else time.perf_counter()
            unique = b"%08d" % ((run * 1000 + number) % 100_000_000)
            async with http.post("/v1/batch", data=template.replace(_MARK, unique)) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status}: {await answer.text()}")
                await answer.read()
            latencies_ms.append((time.perf_counter() - began) * 1000)
            due += pause_seconds
            number += load.connections

    async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}", headers=auth) as http:
        started = time.perf_counter()
        await asyncio.gather(*(send_on(connection) for connection in range(load.connections)))
        return time.perf_counter() - started, latencies_ms


@contextmanager
def _bare() -> Iterator[tuple[int, int]]:
    (port,) = free_ports(1)
    process = multiprocessing.get_context("spawn").Process(target=_serve_bare, args=(port,), daemon=True)
    process.start()
    try:
        asyncio.run(_until_answers(port))
        yield process.pid or 0, port
    finally:
        process.terminate()
        process.join()


def _serve_bare(port: int) -> None:
    async def parse(http: web.Request) -> web.Response:
        orjson.loads(await http.read())
        return web.Response(body=b'{"success":true}', content_type="application/json")

    uvloop.install()
    app = web.Application()
    app.router.add_post("/v1/batch", parse)
    app.router.add_get("/readyz", _fine)
    web.run_app(app, host=LOOPBACK, port=port, access_log=None, print=None)


async def _fine(_: web.Request) -> web.Response:
    return web.Response()


@contextmanager
def _collector(directory: Path) -> Iterator[tuple[int, int]]:
    port, kafka_port, controller_port = free_ports(3)
    keys = directory / "keys.toml"
    keys.write_text(f'[[key]]\nwrite_key = "{_KEY}"\nsource = "bench"\n')
    broker = spawn(kafka.prepare(directory / "kafka", kafka_port, controller_port), directory / "kafka.log")
    processes = [broker]
    try:
        kafka.wait_until_ready(kafka_port, _START_SECONDS)
        bootstrap = f"{LOOPBACK}:{kafka_port}"
        create_topics(load_settings(kafka_bootstrap=bootstrap))
        command = [sys.executable, "-m", "streams.cli", "collect", "--port", str(port), "--keys", str(keys)]
        processes.insert(
            0, spawn(command, directory / "collector.log", {"ENGAGE_KAFKA_BOOTSTRAP": bootstrap})
        )
        asyncio.run(_until_answers(port))
        yield processes[0].pid, port
    finally:
        terminate(processes, grace_seconds=20)


async def _until_answers(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port}") as http:
        while True:
            try:
                async with http.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    as_command(main)
