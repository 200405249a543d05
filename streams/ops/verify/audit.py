"""Looks at both sides of every check, and again at what disagreed.

Nothing stops the stream meanwhile: facts are ahead of rows for the length of a flush, a bucket ends between
two queries. So a disagreement counts only when it is there in several looks, seconds apart, with the same two
values. What a view shows is read between two readings of the facts, which then agree with each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from clickhouse_connect.driver.client import Client

from schemas.fields import ANONYMOUS_PREFIX
from streams.errors import EngageError
from streams.migrations import sql_directory
from streams.ops.verify.checks import CUSTOMER, Check, load_checks, load_prelude
from streams.ops.verify.compare import Disagreement, compare
from streams.ops.verify.duplicates import with_causes
from streams.ops.verify.report import Report
from streams.ops.verify.snapshot import PART, SCOPE, Snapshot

#: Told what is being done, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]
#: Much longer than a flush; each look after a longer pause.
PAUSES_SECONDS: Final = (1.0, 2.0, 3.0, 4.0)
#: Looks in a row. Two are too few: of many numbers that go up and down, such as tiles of RFM, some are the
#: same twice by chance.
_LOOKS: Final = 3
_CUSTOMERS_PER_PART: Final = 5_000


class Audit:
    """Audits of one database. `client` has a session of its own (`open_session`)."""

    def __init__(
        self,
        client: Client,
        *,
        dedupe_horizon_days: int,
        pauses_seconds: Sequence[float] | None = None,
        on_progress: Progress = lambda what, done, total: None,
    ) -> None:
        sql = sql_directory()
        self._client = client
        self._horizon_days = dedupe_horizon_days
        self._pauses_seconds = PAUSES_SECONDS if pauses_seconds is None else pauses_seconds
        self._on_progress = on_progress
        self._checks = load_checks(sql)
        self._snapshot = Snapshot(client, load_prelude(sql))

    def some(self, customers: Sequence[str]) -> Report:
        """Audit these customers. What cannot be told from their facts alone is left out.

        Raises:
            EngageError: nothing is known of a customer.
        """
        checks = [check for check in self._checks if check.is_in_parts]
        self._take(customers)
        if unknown := sorted(set(customers) - set(self._snapshot.everyone(checks, in_scope=True))):
            raise EngageError(
                f"no customer {unknown[0]!r}: give the id as it was sent, or {ANONYMOUS_PREFIX}ID for an "
                "anonymous visitor; of a visitor who was identified, give the customer"
            )
        return self._look(checks, list(dict.fromkeys(customers)))

    def sample(self, n: int) -> Report:
        """Audit `n` customers at random, and every number that is about all of them."""
        self._take(None)
        return self._look(self._checks, self._snapshot.sample(n))

    def everyone(self) -> Report:
        """Audit everything."""
        self._take(None)
        return self._look(self._checks, self._snapshot.everyone(self._checks))

    def _take(self, customers: Sequence[str] | None) -> None:
        self._on_progress("reading facts", 0, 1)
        self._snapshot.take(customers)

    def _look(self, checks: Sequence[Check], customers: Sequence[str]) -> Report:
        numbers, found = self._compare(checks, customers)
        seen = dict.fromkeys(found, 1)
        settled: list[Disagreement] = []
        for pause_seconds in self._pauses_seconds:
            if not seen:
                break
            time.sleep(pause_seconds)
            seen = {one: seen.get(one, 0) + 1 for one in self._look_again(checks, seen)}
            settled += [one for one, looks in seen.items() if looks == _LOOKS]
            seen = {one: looks for one, looks in seen.items() if looks < _LOOKS}
        causes = with_causes(self._client, settled, self._horizon_days)
        return Report(len(customers), numbers, sorted(causes, key=repr), sorted(seen, key=repr))

    def _look_again(self, checks: Sequence[Check], found: Collection[Disagreement]) -> list[Disagreement]:
        """Of the views and customers that disagreed, the numbers that still do."""
        views = {one.view for one in found}
        again = [check for check in checks if check.view in views]
        customers = sorted({value for one in found for name, value in one.key if name == CUSTOMER})
        self._take(None if any(check.needs_all for check in again) else customers)
        places = {one.place for one in found}
        return [one for one in self._compare(again, customers)[1] if one.place in places]

    def _compare(
        self, checks: Sequence[Check], customers: Sequence[str]
    ) -> tuple[dict[str, int], list[Disagreement]]:
        numbers = dict.fromkeys((check.view for check in checks), 0)
        found: list[Disagreement] = []
        self._snapshot.choose(SCOPE, customers)
        steps = list(self._steps(checks, customers))
        for done, (check, part) in enumerate(steps):
            self._on_progress(check.view, done, len(steps))
            if part is not None:
                self._snapshot.choose(PART, part)
            table = PART if check.is_in_parts else SCOPE
            comparison = compare(check.view, check.key, *self._snapshot.both(check, table))
            numbers[check.view] += comparison.numbers
            found += comparison.disagreements
        return numbers, found

    def _steps(
        self, checks: Sequence[Check], customers: Sequence[str]
    ) -> Iterator[tuple[Check, Sequence[str] | None]]:
        """Checks with the part of the customers to choose before, if it is another one."""
        whole = [check for check in checks if not check.is_in_parts]
        in_parts = [check for check in checks if check.is_in_parts]
        yield from ((check, None) for check in whole)
        for start in range(0, len(customers), _CUSTOMERS_PER_PART):
            part = customers[start : start + _CUSTOMERS_PER_PART]
            yield from ((check, part if check is in_parts[0] else None) for check in in_parts)
