"""Where facts and rows go: a small protocol, ClickHouse for real, memory for tests of the pipeline."""

from streams.sinks.base import FactKey, NotStorable, Sink
from streams.sinks.clickhouse import ClickHouseSink
from streams.sinks.memory import MemorySink

__all__ = ["ClickHouseSink", "FactKey", "MemorySink", "NotStorable", "Sink"]
