"""The process: a socket, a server on it, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket

import structlog
from aiohttp import web

from streams.collector.bots import reduce
from streams.collector.delivery import WAIT_SECONDS, Delivery
from streams.collector.keys import WriteKeys
from streams.collector.metrics import Metrics
from streams.collector.server import Server
from streams.kafka_security import Brokers

log = structlog.get_logger("streams.collector")

#: Reading a body and delivering it may take longer; the sender then sends again.
_SHUTDOWN_SECONDS = WAIT_SECONDS + 2.0
_KEEPALIVE_SECONDS = 75.0


async def serve(listener: socket.socket, keys: WriteKeys, brokers: Brokers) -> None:
    """Serve until SIGTERM or SIGINT; then finish the requests at hand and send what they brought.

    Raises what ended the delivery to Kafka, if anything did: without it a collector is of no use.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    reduce("")  # reads ua-parser's rules now, not with the first visitor
    # It would print addresses, and what was sent, whenever a request is not HTTP.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # It would repeat, with each attempt, what `waiting_for_kafka` and `kafka_send_failed` say.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    metrics = Metrics()
    delivery = Delivery(brokers, lambda seconds, _: metrics.flush_seconds.observe(seconds))
    server = Server(keys, delivery, metrics)
    runner = web.AppRunner(
        server.application(),
        access_log=None,  # addresses are personal data
        auto_decompress=False,  # `body` does it, within limits
        keepalive_timeout=_KEEPALIVE_SECONDS,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    site = web.SockSite(runner, listener)
    await site.start()
    host, port = listener.getsockname()[:2]
    log.info("collector_started", host=host, port=port, keys=len(keys.all))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, delivery.running}, return_when=asyncio.FIRST_COMPLETED)
    failed = delivery.running if delivery.running.done() else None
    # uvloop leaves a socket open that it was given; the kernel would go on to accept connections for it.
    await site.stop()
    listener.close()
    # aiohttp's own shutdown drops what still arrives of a body, so the requests are waited for before it.
    await asyncio.wait({asyncio.ensure_future(server.finish())}, timeout=_SHUTDOWN_SECONDS)
    await runner.cleanup()
    await delivery.close()
    if failed is not None:
        failed.result()
    log.info("collector_stopped")
