"""In which order a backlog is read."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import ConsumerRecord
from faust.types import TP

from streams.turns import Turns

STEP = 500
RUN = 4_000


class Broker:
    """Partitions whose records were appended one per millisecond of those that are drawn for them.

    `here` is how many of each have been sent by now; all, if it does not say.
    """

    def __init__(self, *partitions: tuple[TP, Iterable[int]]) -> None:
        self.records = {tp: list(appended_ms) for tp, appended_ms in partitions}
        self.here = {tp: len(appended_ms) for tp, appended_ms in self.records.items()}
        self.positions = dict.fromkeys(self.records, 0)

    async def take(self, tp: TP, max_records: int) -> list[ConsumerRecord]:
        start = self.positions[tp]
        end = min(start + max_records, self.here[tp])
        self.positions[tp] = end
        appended_ms = self.records[tp][start:end]
        return [
            ConsumerRecord(*tp, start + at, ms, 1, None, b"", None, 0, 0, ())
            for at, ms in enumerate(appended_ms)
        ]

    def is_at_end(self, tp: TP) -> bool:
        return self.positions[tp] == len(self.records[tp])


async def read(turns: Turns, broker: Broker, max_records: int = 1_000, now: float = 0.0) -> dict[TP, int]:
    found = await turns.read(broker.records, max_records, broker, now)
    for tp, records in found.items():
        offsets = [record.offset for record in records]
        assert offsets == list(range(offsets[0], broker.positions[tp])), "in order, without a gap"
    return {tp: len(records) for tp, records in found.items()}


WEBSITE, CHAT = [TP("events.website", number) for number in (0, 1)], TP("events.chat", 0)


async def test_without_a_backlog_everything_is_read_at_once() -> None:
    broker = Broker((WEBSITE[0], range(3)), (WEBSITE[1], range(2)), (CHAT, range(1)))

    assert await read(Turns(RUN), broker) == {WEBSITE[0]: 3, WEBSITE[1]: 2, CHAT: 1}


async def test_one_number_is_read_for_a_run_then_it_is_the_turn_of_the_next() -> None:
    broker = Broker((WEBSITE[0], range(99_000)), (WEBSITE[1], range(99_000)))
    turns = Turns(RUN)

    read_of = [next(iter(await read(turns, broker))) for _ in range(10)]

    assert read_of == [WEBSITE[0]] * 4 + [WEBSITE[1]] * 4 + [WEBSITE[0]] * 2


async def test_topics_of_one_number_are_read_up_to_the_same_time_however_full_they_are() -> None:
    """Ten times as many website events as chat events, over the same ten minutes."""
    broker = Broker((WEBSITE[0], range(0, 600_000, 60)), (CHAT, range(0, 600_000, 600)))
    turns = Turns(RUN)

    while not broker.is_at_end(WEBSITE[0]):
        await read(turns, broker)
        until = [broker.records[tp][max(0, broker.positions[tp] - 1)] for tp in (WEBSITE[0], CHAT)]
        assert abs(until[0] - until[1]) <= STEP * 600


async def test_nobody_waits_for_a_partition_that_has_no_more() -> None:
    broker = Broker((WEBSITE[0], range(1_000, 9_000)), (CHAT, range(10)))
    turns = Turns(RUN)

    assert await read(turns, broker) == {CHAT: 10, WEBSITE[0]: 990}
    assert await read(turns, broker) == {WEBSITE[0]: 1_000}


async def test_what_is_newer_waits_for_what_is_on_its_way_and_others_are_read_meanwhile() -> None:
    broker = Broker((WEBSITE[0], range(9_000)), (CHAT, range(0, 9_000, 3)), (WEBSITE[1], range(700)))
    broker.here[CHAT] = STEP
    turns = Turns(RUN)
    first = await read(turns, broker, 9_000)

    assert first == {WEBSITE[0]: 3 * STEP, CHAT: STEP, WEBSITE[1]: 700}
    assert await read(turns, broker) == {}
    broker.here[CHAT] = 3_000
    assert (await read(turns, broker))[CHAT] == STEP


async def test_a_partition_whose_leader_is_gone_holds_the_others_up_for_a_second_only() -> None:
    broker = Broker((WEBSITE[0], range(9_000)), (CHAT, range(9_000)))
    broker.here[CHAT] = 0
    turns = Turns(RUN)
    await read(turns, broker, now=100.0)

    assert await read(turns, broker, now=100.9) == {}
    assert await read(turns, broker, now=101.1) == {WEBSITE[0]: 1_000}
