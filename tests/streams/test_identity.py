"""Identity, one defect at a time; interleavings of any kind are in the test beside this one."""

from __future__ import annotations

import pytest

from schemas.rows import CustomerStateRow
from schemas.topics import REKEYED
from streams.sinks.memory import MemorySink
from tests.streams.fakes import Crashed, FakeWorker, Fuse
from tests.streams.scene import Scene, Start

NOON = "2026-06-15 12:00"


def visit(scene: Scene, visitor: str) -> None:
    scene.send("page_viewed", NOON, f"visit-{visitor}", customer_id=None, anonymous_id=visitor)


def claim(scene: Scene, visitor: str) -> None:
    scene.send("alias", NOON, f"claim-{visitor}", customer_id="c-1", previous_id=visitor)


async def flush(worker: FakeWorker, *topics: str) -> None:
    """One flush per topic, in this order, of what there is to read."""
    batches = worker.poll()
    for topic in topics:
        mine = [batch for batch in batches if (batch.tp.topic == REKEYED) == (topic == REKEYED)]
        await worker.submit(mine)
        await worker.durable({batch.tp: batch.end for batch in mine})


async def test_a_claim_is_told_although_its_customer_knows_it_from_the_facts(
    scene: Scene, sink: MemorySink, start: Start
) -> None:
    """A flush ended after its facts, before it told of a claim. Then the customer was folded anew from facts,
    for another claim's sake, and the claim came again: as a duplicate."""
    visit(scene, "a-1")
    visit(scene, "a-2")
    claim(scene, "a-1")
    first = start()
    await flush(first, "events")
    await flush(first, REKEYED)
    await first.stop()
    claim(scene, "a-2")
    second = start(fuse=Fuse(1))
    batches = [batch for batch in second.poll() if batch.tp.topic != REKEYED]
    await second.submit(batches)
    with pytest.raises(Crashed, match=REKEYED):
        await second.durable({batch.tp: batch.end for batch in batches})

    third = start()
    await flush(third, REKEYED, "events")
    await third.drain()

    states = sink.final(CustomerStateRow.TABLE, "customer_id")
    assert states[("c-1",)]["events_total"] == 4
    assert {customer: row["is_moved"] for (customer,), row in states.items()} == {
        "c-1": 0,
        "anon:a-1": 1,
        "anon:a-2": 1,
    }
