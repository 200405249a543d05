"""The only place that builds a `faust.App`, and how its signals drive the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import faust
import structlog
from faust.types import TP

from schemas.topics import REKEYED, SOURCE_TOPICS
from streams.agents.batches import pass_batches_on
from streams.config import Settings
from streams.core.dedupe import DedupeLimits
from streams.customers import CustomerCache
from streams.pipeline import FlushLimits, Pipeline
from streams.recovery import recover
from streams.sinks.clickhouse import ClickHouseSink
from streams.state_store import StateStore
from streams.transport import BatchProducer, Consumer, Transport

log = structlog.get_logger(__name__)

#: A worker is never thrown out of its group for being busy: only silence (the session timeout) counts.
_NEVER_SECONDS = 7 * 24 * 3600.0


def faust_app(settings: Settings) -> faust.App:
    """A Faust app that consumes record batches; settings that differ from Faust's defaults say why."""
    app = faust.App(
        settings.group_id,
        broker=[f"aiokafka://{server.strip()}" for server in settings.kafka_bootstrap.split(",")],
        store="memory://",  # no Faust tables: state is ours, see state_store
        topic_allow_declare=False,  # topics come from `engage topics`, with our settings
        topic_disable_leader=True,
        web_enabled=False,  # its endpoints would show customers
        stream_wait_empty=False,  # it can hang a rebalance
        stream_recovery_delay=0.0,
        stream_buffer_maxsize=16,  # batches, not records
        broker_max_poll_records=settings.flush_max_records,
        broker_max_poll_interval=_NEVER_SECONDS,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 6,
        broker_rebalance_timeout=max(60.0, settings.session_timeout_seconds),
        broker_request_timeout=max(90.0, settings.session_timeout_seconds),
        broker_commit_interval=settings.commit_interval_seconds,
    )
    app.transport = Transport(app.conf.broker_consumer, app)
    app.finalize()
    return app


class Worker:
    """Everything one worker process holds, wired together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.ready = asyncio.Event()
        self.app = faust_app(settings)
        self._store = StateStore(settings.data_dir / "state", block_cache_mib=settings.block_cache_mib)
        self._producer = BatchProducer(
            settings.kafka_bootstrap, retry_max_seconds=settings.retry_backoff_max_seconds
        )
        self.pipeline = Pipeline(
            customers=CustomerCache(self._store, max_customers=settings.cache_max_customers),
            producer=self._producer,
            sink=ClickHouseSink(settings),
            partitions=settings.partitions,
            on_durable=self._on_durable,
            dedupe=DedupeLimits(settings.dedupe_horizon_days, settings.dedupe_max_ids),
            limits=FlushLimits(settings.flush_max_records, settings.flush_linger_ms / 1000),
        )
        pass_batches_on(self.app, (*SOURCE_TOPICS, REKEYED), self.pipeline.submit)
        self.app.on_partitions_revoked.connect(self._on_revoked, weak=False)
        self.app.on_rebalance_complete.connect(self._on_assigned, weak=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; raises what ended the pipeline or the app."""
        await self._producer.start()
        self._consumer.listen_to_seeks(self.pipeline.seek)
        await self.app.start()
        flushing = asyncio.create_task(self.pipeline.run())
        stopping = asyncio.create_task(stop.wait())
        crashed = asyncio.create_task(self.app.wait_until_stopped())
        try:
            await asyncio.wait({flushing, stopping, crashed}, return_when=asyncio.FIRST_COMPLETED)
            if flushing.done():
                flushing.result()
            if crashed.done():
                raise self.app.crash_reason or RuntimeError("Faust stopped by itself")
        finally:
            stopping.cancel()
            crashed.cancel()
        await self._stop(flushing)

    async def _stop(self, flushing: asyncio.Task[None]) -> None:
        """Let the flush at hand finish, commit it, leave the group."""
        await self.pipeline.release(self._settings.session_timeout_seconds / 2)
        flushing.cancel()
        await self._consumer.force_commit()
        await self.app.stop()
        await self._producer.stop()
        self._store.close()

    @property
    def _consumer(self) -> Consumer:
        return cast(Consumer, self.app.consumer)

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
        await recover(self._settings.kafka_bootstrap, self._store, partitions)
        # Faust resumes fetching first and then clears the queues behind flow control, which would drop
        # what was fetched in between. Resumed now, there is nothing to drop.
        self.app.flow_control.resume()
        self.ready.set()
