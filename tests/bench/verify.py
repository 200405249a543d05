"""Whether a contender has counted right: a fast wrong answer is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from streams.clickhouse import connect
from streams.config import Settings
from tests.bench.workload import Expected

#: In the order of `Expected`. The digest holds every day's count of every customer.
_COUNTS: Final = """
SELECT (SELECT count() FROM events FINAL), uniqExact(customer_id), count(),
       sum(CRC32(concat(customer_id, ' ', toString(toUInt16(day)), ' ', channel, ' ', toString(events))))
FROM customer_daily FINAL
"""


class WrongCounts(Exception):
    """A contender's counts differ from what its records say."""


def verify(settings: Settings, expected: Expected) -> None:
    """Compare facts and per-customer days in ClickHouse; raises WrongCounts."""
    client = connect(settings)
    try:
        compare(client.query(_COUNTS).result_rows[0], expected)
    finally:
        client.close()


def compare(counted: Sequence[int], expected: Sequence[int]) -> None:
    """Raise WrongCounts unless both are the same."""
    if list(counted) != list(expected):
        raise WrongCounts(f"counted {list(counted)}, expected {list(expected)}")
