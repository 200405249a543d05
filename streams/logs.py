"""Logging: structlog everywhere, for people on a terminal and JSON elsewhere."""

from __future__ import annotations

import logging
import sys

import structlog

from streams.config import LogFormat, Settings

#: Libraries that log each poll, each group join or a table of offsets at info ("streams": what Faust logs for
#: our subclasses; our own lines come through structlog).
_CHATTY = ("streams", "faust", "mode", "aiokafka", "asyncio", "clickhouse_connect", "venusian")

#: kafka-python tells in many lines what it raises as well; at debug level its lines hold the password.
_SILENT = ("kafka",)


def configure(settings: Settings) -> None:
    """Send structlog and the libraries' warnings to stderr in one format."""
    level = getattr(logging, settings.log_level.upper())
    as_json = settings.log_format is LogFormat.JSON or (
        settings.log_format is LogFormat.AUTO and not sys.stderr.isatty()
    )
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name], processor=renderer
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
