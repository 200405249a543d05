"""A database in which rules change: what is written into it, and what it must show then."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerDailyRow, CustomerStateRow
from streams.clickhouse import connect
from streams.config import Settings
from streams.core.score import ScoreRules, points, score
from tests.sql.scenario import insert

TYPES = ("page_viewed", "form_submitted", "order_completed", "wish_made")
RULES = """
[score]
half_point = {half_point}
other = {{ points = {other}, daily_cap = 2 }}
[score.weights]
page_viewed = {{ points = {page}, daily_cap = 3 }}
"""

#: By customer: points by the ledger, points by the windows, the score.
Shown = dict[str, tuple[float, float, float]]


def rules_file(path: Path, *, half_point: float = 40, other: float = 2, page: float = 3) -> Path:
    path.write_text(RULES.format(half_point=half_point, other=other, page=page))
    return path


class Days:
    """Rows of `customer_daily` of today and yesterday, and what is in them."""

    def __init__(self, seed: int) -> None:
        self.counts: dict[tuple[str, date, str], dict[str, int]] = {}
        self._random = random.Random(seed)
        self._version = 0

    def write(self, client: Client, rows: int = 20) -> None:
        """Rows of new customers and, again with higher versions, of known ones."""
        self._version += 1
        written = {self._key(): self._some_counts() for _ in range(rows)}
        days = [(*key, 9, counts, 0, 0, 0, 0, self._version) for key, counts in written.items()]
        customers = sorted({customer for customer, _, _ in written})
        insert(client, CustomerDailyRow, days)
        client.insert(
            CustomerStateRow.TABLE, [[customer] for customer in customers], column_names=["customer_id"]
        )
        self.counts.update(written)

    def _key(self) -> tuple[str, date, str]:
        day = datetime.now(timezone.utc).date() - timedelta(days=self._random.randrange(2))
        return f"c-{self._random.randrange(300)}", day, self._random.choice(("website", "chat"))

    def _some_counts(self) -> dict[str, int]:
        types = self._random.sample(TYPES, self._random.randrange(1, 4))
        return {type_: self._random.randrange(1, 9) for type_ in types}

    def expected(self, rules: ScoreRules) -> Shown:
        raw: dict[str, float] = defaultdict(float)
        for (customer, _, _), counts in self.counts.items():
            raw[customer] += points(counts, rules)
        return {customer: (earned, earned, score(earned, rules)) for customer, earned in raw.items()}

    @contextmanager
    def written_meanwhile(self, settings: Settings) -> Iterator[None]:
        """A thread writes rows, one insert after the other, as long as the block lasts, and some after it."""
        ended = threading.Event()
        failures: list[Exception] = []

        def write() -> None:
            try:
                with closing(connect(settings)) as client:
                    while not ended.is_set():
                        self.write(client, 1)
                    self.write(client, 5)
            except Exception as error:
                failures.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            ended.set()
            writer.join()
        assert failures == []


@contextmanager
def slowly_inserted(client: Client, settings: Settings, statement: str) -> Iterator[None]:
    """An INSERT with `sleepEachRow`, in a thread: it begins before the block, and ends when it ends."""

    def insert() -> None:
        with closing(connect(settings)) as inserter:
            inserter.command(statement)

    running = (
        "SELECT 1 FROM system.processes WHERE query_kind = 'Insert' AND position(query, 'sleepEachRow') > 0"
    )
    thread = threading.Thread(target=insert)
    thread.start()
    while not client.query(running).result_rows:
        assert thread.is_alive()
    try:
        yield
    finally:
        thread.join()


#: One for each number of `Shown`.
QUESTIONS = (
    "SELECT customer_id, sum(points) FROM v_score_ledger GROUP BY customer_id",
    "SELECT customer_id, sum(points) FROM v_customer_windows WHERE window_name = '30d' GROUP BY customer_id",
    "SELECT customer_id, score FROM v_customer_360",
)


def shown(client: Client) -> Shown:
    """What the three views say, of the same customers."""
    earned, in_windows, scores = (by_customer(client, question) for question in QUESTIONS)
    assert earned.keys() == in_windows.keys() == scores.keys()
    return {customer: (earned[customer], in_windows[customer], scores[customer]) for customer in scores}


def by_customer(client: Client, query: str) -> dict[str, Any]:
    return dict(client.query(query).result_rows)


def rule_columns(client: Client) -> list[str]:
    """The columns with points, one for each set of rules."""
    names = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'customer_daily'"
    return [name for (name,) in client.query(names).result_rows if name.startswith("points_")]
