"""The parts by themselves: rates, periods, pauses, and rows that are kept for a while."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.dashboard import remembering
from streams.dashboard.hub import Pace
from streams.dashboard.overview import Seen, latest_periods, rates, tenths
from streams.dashboard.refusals import Refused
from streams.dashboard.remembering import Remembering
from streams.dashboard.subject import Row

EARLY, LATE = "2026-11-22T10:00:00.000Z", "2026-11-22T10:05:00.000Z"


def test_rates_are_new_events_by_seconds() -> None:
    """Of late events in old buckets and of new buckets; one that has left the window is no loss."""
    then = Seen(100.0, {("gone", "chat"): 50, (EARLY, "website"): 10})
    now = Seen(102.0, {(EARLY, "website"): 12, (LATE, "website"): 4, (LATE, "purchase"): 1})
    assert rates([then], now) == [
        {"channel": "website", "events_per_second": 3.0},
        {"channel": "chat", "events_per_second": 0.0},
        {"channel": "purchase", "events_per_second": 0.5},
    ]


def test_rates_are_taken_from_the_first_of_the_looks() -> None:
    first, second = Seen(0.0, {}), Seen(9.0, {(EARLY, "chat"): 90})
    (_, chat, _) = rates([first, second], Seen(10.0, {(EARLY, "chat"): 100}))
    assert chat["events_per_second"] == 10.0


def test_a_tenth_without_customers_is_shown() -> None:
    told = tenths([{"tenth": 0, "customers": 3}, {"tenth": 9, "customers": 1}])
    assert [line["customers"] for line in told] == [3, 0, 0, 0, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("complete", "expected"),
    [
        ([0, 1, 1], (0, 1, 2)),
        ([0, 1], (0, 1, None)),
        ([0], (0, None, None)),
        ([], (None, None, None)),
    ],
)
def test_periods_that_are_not_there_are_null(
    complete: list[int], expected: tuple[int | None, int | None, int | None]
) -> None:
    rows = [{"is_complete": is_complete, "n": n} for n, is_complete in enumerate(complete)]
    told = latest_periods(rows)
    assert tuple(row and row["n"] for row in told.values()) == expected


@pytest.mark.parametrize(
    ("every", "look", "pause"),
    [(1.0, 0.0, 1.0), (1.0, 0.1, 0.9), (1.0, 0.2, 0.8), (1.0, 1.0, 4.0), (2.0, 5.0, 20.0)],
)
def test_looks_are_on_time_and_take_a_fifth_of_it_at_most(every: float, look: float, pause: float) -> None:
    pace = Pace(every)
    pauses = [pace.pause_seconds(look) for _ in range(40)]
    assert pauses[-1] == pytest.approx(pause, rel=0.001)
    assert look <= 0.2 * (look + pause) + 1e-9


def test_one_long_look_among_short_ones_does_not_make_a_long_pause() -> None:
    pace = Pace(1.0)
    looks = [0.1, 0.1, 1.0, 0.1, 0.1, 1.0]
    assert max(pace.pause_seconds(look) for look in looks) < 2


class Slow:
    """A source that answers when it is told to, with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.go_on = asyncio.Event()
        self.error: Refused | None = None

    async def rows(self, sql: str, **parameters: Any) -> list[Row]:
        self.asked += 1
        await self.go_on.wait()
        if self.error is not None:
            raise self.error
        return [{"n": self.asked, **parameters}]


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(remembering, "time", clock)
    return clock


async def test_many_who_ask_the_same_at_once_are_one_question(clock: Clock) -> None:
    source = Slow()
    kept = Remembering(source)
    asking = [asyncio.create_task(kept.rows("sql", grain=grain)) for grain in ("day", "day", "week")]
    await asyncio.sleep(0)
    source.go_on.set()
    day, again, week = await asyncio.gather(*asking)
    assert day is again
    assert (day[0]["grain"], week[0]["grain"]) == ("day", "week")
    assert source.asked == 2


async def test_rows_are_kept_then_shown_while_others_are_asked_for(clock: Clock) -> None:
    source = Slow()
    source.go_on.set()
    kept = Remembering(source)
    first = await kept.rows("sql")
    clock.seconds += 29
    assert await kept.rows("sql") is first
    source.go_on.clear()
    clock.seconds += 2
    assert await kept.rows("sql") is first
    await asyncio.sleep(0)
    assert source.asked == 2
    source.go_on.set()
    await asyncio.sleep(0.01)
    assert (await kept.rows("sql"))[0]["n"] == 2


async def test_rows_of_long_ago_are_not_shown(clock: Clock) -> None:
    source = Slow()
    source.go_on.set()
    kept = Remembering(source)
    await kept.rows("sql")
    clock.seconds += 91
    assert (await kept.rows("sql"))[0]["n"] == 2


async def test_what_goes_wrong_is_told_once_rows_are_too_old_and_tried_again(clock: Clock) -> None:
    source = Slow()
    source.go_on.set()
    kept = Remembering(source)
    first = await kept.rows("sql")
    source.error = Refused(503, "away")
    clock.seconds += 40
    assert await kept.rows("sql") is first
    clock.seconds += 60
    with pytest.raises(Refused, match="away"):
        await kept.rows("sql")
    source.error = None
    assert (await kept.rows("sql"))[0]["n"] == source.asked


async def test_who_gives_up_waiting_does_not_end_the_question(clock: Clock) -> None:
    source = Slow()
    kept = Remembering(source)
    one, other = (asyncio.create_task(kept.rows("sql")) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    source.go_on.set()
    assert (await other)[0]["n"] == 1
