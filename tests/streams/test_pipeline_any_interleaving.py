"""Whatever the interleaving, and wherever the process ends: the tables end up right."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import topics
from streams.core.dedupe import DedupeLimits
from streams.sinks.memory import MemorySink
from streams.state_store import StateStore
from tests.core import strategies as some
from tests.streams.fakes import Crashed, FakeWorker, Fuse, content, recover
from tests.streams.scene import PARTITIONS, UNSTORABLE, Scene, assert_tables_are_right, database

#: Of both partitions; an anonymous visitor has the key of a customer.
CUSTOMERS: tuple[dict[str, Any], ...] = (
    {"customer_id": "c-1"},
    {"customer_id": "c-2"},
    {"customer_id": "c-3"},
    {"customer_id": None, "anonymous_id": "c-1"},
)
GARBAGE = (None, b"", b"{", b"\xff", b"[]", b'{"event_id": "e-1"}')


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """A dozen events of a few customers; retries, misplaced keys, offset gaps, garbage, unstorable facts."""
    scene = Scene()
    sent = []
    for number, (one, channel) in enumerate(draw(st.lists(some.bodies(), min_size=1, max_size=12))):
        prefix = draw(st.sampled_from(("e", "e", "e", "e", UNSTORABLE)))
        whole = one | draw(st.sampled_from(CUSTOMERS)) | {"event_id": f"{prefix}-{number:02}"}
        sent += [(whole, channel)] * draw(st.sampled_from((1, 1, 2)))
    random = Random(draw(st.integers(0, 2**32)))
    random.shuffle(sent)
    for whole, channel in sent:
        scene.kafka.now_ms += random.randint(0, 3_600_000)
        owner = topics.partition_of(whole["customer_id"] or whole["anonymous_id"], PARTITIONS)
        partition = owner if random.random() < 0.8 else random.randrange(PARTITIONS)
        scene.send_body(whole, channel, partition=partition, gap=random.choice((0, 0, 1, 5)))
        if random.random() < 0.1:
            scene.send_bytes(random.choice(GARBAGE), channel, partition, b"\xff")
    return scene


#: After so many calls to Kafka or the database, with this part of the last one done; does the disk survive?
crashes = st.lists(st.tuples(st.integers(0, 25), st.sampled_from((0.0, 0.5, 1.0)), st.booleans()), max_size=4)


async def work_off(
    scene: Scene, deaths: list[tuple[int, float, bool]], seed: int, disk: StateStore
) -> MemorySink:
    """Process everything with a process that dies and comes back; returns what the database then holds."""
    random = Random(seed)
    sink = database()
    # Whether an order comes before or after silence is told, and how much of it: nobody knows.
    now_ms = some.ANCHOR_MS + random.choice((0, 20, 60, 200)) * some.DAY_MS
    sink.now_ms = now_ms - random.choice((0, 0, 1, 50, 300)) * some.DAY_MS
    for passes, part, disk_survives in [*deaths, (None, 0.0, True)]:
        worker = FakeWorker(
            scene.kafka,
            sink,
            disk,
            fuse=Fuse(passes, part),
            dedupe=DedupeLimits(tail_ids=3),
            max_customers=random.choice((1, 2, 100)),
            max_records=random.choice((1, 3, 100)),
            keeps_commits=lambda: random.random() < 0.7,
        )
        try:
            worker.join()
            await worker.drain(random)
            sink.now_ms = now_ms
            await worker.sweep()
        except Crashed:
            if not disk_survives:
                wipe(disk)
        finally:
            await worker.stop()
    return sink


def wipe(disk: StateStore) -> None:
    for partition in range(PARTITIONS):
        disk.forget(partition)


def test_crashes_anywhere_and_interleavings_of_any_kind_end_in_the_right_tables(tmp_path: Path) -> None:
    # Opened once: an open costs more than the rest of an example.
    disk, other_disk = (StateStore(tmp_path / name, block_cache_mib=8) for name in ("disk", "other_disk"))

    @given(scenes(), crashes, st.integers(0, 2**32))
    @settings(max_examples=300)
    def for_any(scene: Scene, deaths: list[tuple[int, float, bool]], seed: int) -> None:
        wipe(disk)
        wipe(other_disk)

        sink = asyncio.run(work_off(scene, deaths, seed, disk))

        assert_tables_are_right(scene, sink)
        for partition in range(PARTITIONS):
            recover(scene.kafka, other_disk, partition)
        assert content(other_disk) == content(disk), "a restored disk is the same, byte for byte"

    for_any()
    disk.close()
    other_disk.close()
