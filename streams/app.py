"""The only place that builds a `faust.App`, and how its signals drive the pipeline."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from typing import Any, cast

import faust
import structlog
from faust.types import TP

from schemas.topics import REKEYED, SOURCE_TOPICS
from streams.agents.batches import pass_batches_on, tick_regularly
from streams.config import Settings
from streams.core.dedupe import DedupeLimits
from streams.customers import CustomerCache
from streams.errors import NotStopped
from streams.inbox import FlushLimits
from streams.kafka_security import brokers_of, faust_credentials
from streams.pipeline import Pipeline
from streams.recovery import close_gap, restore
from streams.rules.model import load_rules
from streams.sending import BatchProducer
from streams.sinks.clickhouse import ClickHouseSink
from streams.state_store import StateStore
from streams.transport import Consumer, Transport
from streams.worker_metrics import WorkerMetrics

log = structlog.get_logger(__name__)

#: A worker is never thrown out of its group for being busy: only silence (the session timeout) counts.
_NEVER_SECONDS = 7 * 24 * 3600.0

#: Less than the 30 s that orchestrators wait before they kill.
_STOP_SECONDS = 20.0


def faust_app(settings: Settings) -> faust.App:
    """A Faust app that consumes record batches; settings that differ from Faust's defaults say why."""
    brokers = brokers_of(settings)
    app = faust.App(
        settings.group_id,
        broker=[f"aiokafka://{server}" for server in brokers.servers],
        broker_credentials=faust_credentials(brokers),
        store="memory://",  # no Faust tables: state is ours, see state_store
        datadir=str(settings.data_dir / "faust"),  # which it makes, and leaves empty
        topic_allow_declare=False,  # topics come from `engage topics`, with our settings
        topic_disable_leader=True,
        web_enabled=False,  # its endpoints would show customers
        stream_wait_empty=False,  # it can hang a rebalance
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=2,  # batches; the pipeline has a queue of its own
        broker_max_poll_records=max(1, settings.flush_max_records // 4),
        broker_max_poll_interval=_NEVER_SECONDS,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 6,
        broker_rebalance_timeout=max(60.0, settings.session_timeout_seconds),
        broker_request_timeout=max(90.0, settings.session_timeout_seconds),
        broker_commit_interval=settings.commit_interval_seconds,
    )
    transport = Transport(app.conf.broker_consumer, app)
    transport.instance_id = settings.instance_id or None
    app.transport = transport
    app.finalize()
    return app


class Worker:
    """Everything one worker process holds, wired together.

    Args:
        settings: of this worker; `data_dir` must be its own.
        database: id and epoch of the database, see `streams.lineage`.
    """

    def __init__(self, settings: Settings, database: tuple[str, int]) -> None:
        self._settings = settings
        self._database = database
        self.ready = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.app = faust_app(settings)
        self._store = StateStore(settings.data_dir / "state", block_cache_mib=settings.block_cache_mib)
        self.brokers = brokers_of(settings)
        self.metrics = WorkerMetrics()
        self.metrics.state_bytes.set_function(self._store.disk_bytes)
        self.metrics.disk_free_bytes.set_function(lambda: shutil.disk_usage(settings.data_dir).free)
        self._producer = BatchProducer(self.brokers, retry_max_seconds=settings.retry_backoff_max_seconds)
        self.pipeline = Pipeline(
            customers=CustomerCache(
                self._store,
                max_customers=settings.cache_max_customers,
                on_gap=self._on_gap,
                metrics=self.metrics,
            ),
            producer=self._producer,
            sink=ClickHouseSink(settings, self.metrics),
            partitions=settings.partitions,
            on_durable=self._on_durable,
            dedupe=DedupeLimits(settings.dedupe_horizon_days, settings.dedupe_max_ids),
            limits=FlushLimits(settings.flush_max_records, settings.flush_linger_ms / 1000),
            epoch=database[1],
            population_gap_days=load_rules(settings.rules_file).churn.population_gap_days,
            metrics=self.metrics,
            known_ends=lambda: self._consumer.known_ends(),
        )
        pass_batches_on(self.app, (*SOURCE_TOPICS, REKEYED), self.pipeline.submit)
        tick_regularly(self.app, settings.sweep_interval_seconds, self.pipeline.tick)
        self.app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        self.app.on_rebalance_complete.connect(self._on_assigned, weak=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; raises what ended the pipeline, an assignment or the app.

        Raises:
            NotStopped: it does not end; in the midst of a rebalance Faust's consumer thread may die and leave
                its callers waiting.
        """
        await self._producer.start()
        loop = asyncio.get_running_loop()
        # Seeks are told in the consumer's thread.
        self._consumer.listen_to_seeks(
            lambda positions, number: loop.call_soon_threadsafe(self.pipeline.seek, positions, number)
        )
        # `start` returns after the first assignment is recovered; what goes wrong until then counts as well.
        working = asyncio.create_task(self._work())
        flushing = asyncio.create_task(self.pipeline.run())
        stopping = asyncio.create_task(stop.wait())
        ends: set[asyncio.Future[Any]] = {working, flushing, stopping, self._failed}
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in done - {stopping}:
            end.result()
        working.cancel()
        stopped = asyncio.create_task(self._stop(flushing))
        _, late = await asyncio.wait({stopped}, timeout=_STOP_SECONDS)
        if late:
            raise NotStopped
        stopped.result()

    async def _work(self) -> None:
        await self.app.start()
        await self.app.wait_until_stopped()
        raise self.app.crash_reason or RuntimeError("Faust stopped by itself")

    async def _stop(self, flushing: asyncio.Task[None]) -> None:
        """Let the flush at hand finish, commit it, leave the group."""
        if self.ready.is_set():
            await self.pipeline.release(self._settings.session_timeout_seconds / 2)
            await self._consumer.force_commit()
        flushing.cancel()
        await self.app.stop()
        await self._producer.stop()
        self.pipeline.close()
        self._store.close()

    @property
    def _consumer(self) -> Consumer:
        return cast(Consumer, self.app.consumer)

    async def _on_gap(self, partition: int, start: int, end: int) -> None:
        await close_gap(self.brokers, self._store, self._producer, partition, start, end)

    async def _on_durable(self, positions: Mapping[TP, int]) -> None:
        self._consumer.mark_durable(positions)

    async def _on_revoked(self, *args: Any, **kwargs: Any) -> None:
        """Before the group goes on without us: finish or abandon the flush, and commit what is durable."""
        await self.pipeline.release(self._settings.session_timeout_seconds / 2)
        await self._consumer.force_commit()

    async def _on_assigned(self, *args: Any, **kwargs: Any) -> None:
        """After an assignment and before any source record is read: recover the state it needs."""
        partitions = sorted({tp.partition for tp in self._consumer.assignment()})
        log.info("partitions_assigned", partitions=partitions)
        self.metrics.partitions.set(len(partitions))
        self.metrics.generation.inc()
        self.metrics.recovering.set(1)
        try:
            await restore(
                self._settings,
                self._store,
                self._producer,
                self._database,
                partitions,
                self.metrics.recovery_remaining.set,
            )
        except Exception as error:
            # Faust would log it and go on to read events without their state.
            self._failed.set_exception(error)
            await asyncio.Event().wait()
        # Faust resumes fetching first and then clears the queues behind flow control, which would drop
        # what was fetched in between. Resumed now, there is nothing to drop.
        self.app.flow_control.resume()
        self.metrics.recovering.set(0)
        self.ready.set()
