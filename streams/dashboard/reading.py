"""ClickHouse as the dashboard asks it: views only, as a user who may do no more than that."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import orjson
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse import connect, one_line
from streams.config import Settings
from streams.dashboard.metrics import Metrics
from streams.dashboard.refusals import Refused
from streams.dashboard.subject import Row
from streams.errors import ClickHouseUnavailable

log = structlog.get_logger("streams.dashboard")

#: `sql/roles/roles.sql` has bounds for two such processes; a test compares.
THREADS: Final = 6
#: Queries that run or wait; more are refused at once.
_MOST_QUERIES: Final = 400
LONGEST_SECONDS: Final = 30.0
_AS_SENT: Final = {
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_json_validate_utf8": 1,
}


class Reader:
    """Asks ClickHouse in a few threads, with a limit on how long it may work.

    ClickHouse may be away, also at the start: the next question after its return is answered.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings.model_copy(
            update={
                "clickhouse_user": settings.dashboard_clickhouse_user,
                "clickhouse_password": settings.dashboard_clickhouse_password,
                # Its profile has what a cluster needs, and it may not choose these settings.
                "clickhouse_cluster": "",
            }
        )
        seconds = min(LONGEST_SECONDS, settings.clickhouse_timeout_seconds)
        self._query_settings = {**_AS_SENT, "max_execution_time": max(1, int(seconds))}
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="clickhouse")
        self._client: Client | None = None
        self._connecting = threading.Lock()
        self._asked = 0
        self._problem: int | str | None = None

    async def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """See `Rows`; refuses as well when hundreds of questions wait already."""
        if self._asked >= _MOST_QUERIES:
            raise Refused(503, "too many questions at once; ask again in a moment")
        self._asked += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._ask, sql, parameters)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """Wait for the queries at hand; those that wait are dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _ask(self, sql: str, parameters: dict[str, Any]) -> list[Row]:
        started = time.perf_counter()
        try:
            lines = self._connected().raw_query(
                sql, parameters=parameters, settings=self._query_settings, fmt="JSONEachRow"
            )
        except ClickHouseUnavailable as error:
            # Its cause says what is wrong; it itself names the address, which is nobody's business here.
            self._note(getattr(error.__cause__, "code", None) or "no answer")
            raise Refused(503, _unavailable(error.__cause__ or error)) from error
        except ClickHouseError as error:
            self._note(getattr(error, "code", None) or "no answer")
            raise Refused(503, _unavailable(error)) from error
        self._note(None)
        self._metrics.query_seconds.observe(time.perf_counter() - started)
        rows: list[Row] = orjson.loads(b"[" + b",".join(lines.splitlines()) + b"]")
        return rows

    def _note(self, problem: int | str | None) -> None:
        """Log what is wrong when it begins and when it ends; its code only, as the text may hold an id."""
        before, self._problem = self._problem, problem
        if problem != before and problem is not None:
            log.warning("clickhouse_does_not_answer", code=problem)
        elif problem != before:
            log.info("clickhouse_answers_again")

    def _connected(self) -> Client:
        with self._connecting:
            if self._client is None:
                self._client = connect(self._settings)
            return self._client


def _unavailable(error: BaseException) -> str:
    text = one_line(error) if isinstance(error, Exception) else ""
    return f"ClickHouse does not answer: {text}"
