"""What Faust drives: an agent that hands record batches to the pipeline, and a timer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust

from streams.transport import RecordBatch


class BatchSchema(faust.Schema[None, RecordBatch]):
    """Messages carry a `RecordBatch`; Faust decodes nothing (a decode error there would ack events)."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        return None

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> RecordBatch:
        batch: RecordBatch = message.value
        return batch


def pass_batches_on(
    app: faust.App, topics: Sequence[str], submit: Callable[[RecordBatch], Awaitable[None]]
) -> None:
    """Register one agent for all topics: they share customers, so they share one pipeline."""

    @app.agent(app.topic(*topics, schema=BatchSchema()), name="batches")
    async def batches(stream: Any) -> None:
        async for batch in stream:
            await submit(batch)


def tick_regularly(app: faust.App, interval_seconds: float, tick: Callable[[int], None]) -> None:
    """Register a timer; `tick` is told the time in milliseconds."""

    async def on_time() -> None:
        tick(time.time_ns() // 1_000_000)

    app.timer(interval_seconds, name="tick")(on_time)
