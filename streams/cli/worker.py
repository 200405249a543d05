"""`engage worker`: consume events, keep state, write facts and rows."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path
from typing import Annotated, Optional

import typer

from streams.config import Settings, load_settings


def worker(
    data_dir: Annotated[
        Optional[Path],  # noqa: UP045 (typer reads it on Python 3.10 too)
        typer.Option(
            help="Directory for the worker's state; one per worker. [default: ENGAGE_DATA_DIR, .data]"
        ),
    ] = None,
    ready_file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(envvar="ENGAGE_READY_FILE", help="Created once the worker has recovered and consumes."),
    ] = None,
) -> None:
    """Consume website, chat and purchase events, and write facts and per-customer rows to ClickHouse.

    Run as many workers as there are partitions at most, each with a data directory of its own; they share
    the partitions through the Kafka consumer group. SIGTERM finishes the flush at hand and leaves the group.
    """
    from streams import logs

    settings = load_settings(data_dir=data_dir)
    logs.configure(settings)
    database = _check_servers(settings)
    import uvloop

    uvloop.install()
    asyncio.run(_run(settings, database, ready_file))


def _check_servers(settings: Settings) -> tuple[str, int]:
    """Say in one line what is missing before anything starts; returns the database's id and epoch."""
    from streams.lineage import read_database_in_use
    from streams.ops.topics import check_topics
    from streams.rules.in_force import check_rules

    check_topics(settings)
    database = read_database_in_use(settings)
    check_rules(settings)
    return database


async def _run(settings: Settings, database: tuple[str, int], ready_file: Path | None) -> None:
    import structlog

    from streams.app import Worker
    from streams.errors import EngageError, NotStopped
    from streams.health import WorkerHealth
    from streams.probes import served

    log = structlog.get_logger("streams.worker")
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    collect_rarely()
    worker = Worker(settings, database)
    announcing = asyncio.create_task(_announce(worker.ready, ready_file))
    health = WorkerHealth(worker.brokers.servers, worker.pipeline, worker.ready)
    beating = asyncio.create_task(health.beat())
    try:
        with served(settings, worker.metrics.registry, health.not_alive, health.not_ready):
            await worker.run(stop)
    except EngageError as error:
        log.error("worker_ended", reason=str(error))
        _end_now(error.exit_code)
    except NotStopped:
        # What was not acknowledged is read again, as after a crash.
        log.warning("worker_stopped_at_once")
        _end_now(0)
    except Exception:
        # Threads of Faust and aiokafka may hang on to a broken state; a process that ends is a state
        # that everything here is built to survive.
        log.exception("worker_crashed")
        _end_now(70)
    finally:
        announcing.cancel()
        beating.cancel()
    log.info("worker_stopped")


def collect_rarely() -> None:
    """Keep the garbage collector out of flushes.

    A flush keeps tens of thousands of objects alive that form no cycles; by default the collector walks all
    of them again and again, for a fifth of the CPU time.
    """
    gc.freeze()
    gc.set_threshold(1_000_000, 50, 100)


async def _announce(ready: asyncio.Event, ready_file: Path | None) -> None:
    await ready.wait()
    if ready_file is not None:
        await asyncio.to_thread(ready_file.write_text, f"{os.getpid()}\n")


def _end_now(status: int) -> None:
    import logging

    logging.shutdown()
    os._exit(status)
