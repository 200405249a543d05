"""Which deliveries are duplicates, and which ids are remembered."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.dedupe import (
    ID_BYTES,
    ChunkMeta,
    DedupeLimits,
    find,
    hash_of,
    is_duplicate,
    pack,
    spill,
    surplus,
    unpack,
)
from streams.core.fold import Outcome
from tests.core.samples import event
from tests.core.worker_in_miniature import Arrival, MiniatureWorker

LIMITS = DedupeLimits(horizon_days=7, skew_days=30)


def test_a_delivery_is_a_duplicate_up_to_and_including_the_seventh_day() -> None:
    assert is_duplicate(100, 100, LIMITS)
    assert is_duplicate(100, 107, LIMITS)
    assert not is_duplicate(100, 108, LIMITS)


def test_a_delivery_appended_before_the_one_already_counted_is_a_duplicate() -> None:
    assert is_duplicate(107, 100, LIMITS)


def test_the_hash_of_an_id_is_the_same_in_every_process_and_for_every_release() -> None:
    assert hash_of("e-1").hex() == "317386494bf10d9f"
    assert len(hash_of("😀" * 64)) == 8
    assert hash_of("e-1") != hash_of("e-2")


def test_an_id_is_not_found_in_the_end_of_one_and_the_beginning_of_another() -> None:
    ids = pack(b"abcdefgh", 0x4141) + pack(b"ijklmnop", 0x4242) + pack(b"AAijklmn", 1)

    assert find(ids, b"ghAAijkl") == -1
    assert find(ids, b"AAijklmn") == 20
    assert find(ids, b"abcdefgh") == 0
    assert find(b"", b"abcdefgh") == -1


@given(st.dictionaries(st.binary(min_size=8, max_size=8), st.integers(0, 2**16 - 1)))
@settings(max_examples=60)
def test_packed_ids_are_found_and_unpacked(days: dict[bytes, int]) -> None:
    ids = packed(days)

    assert unpack(ids) == days
    assert all(ids[at : at + ID_BYTES] == pack(key, days[key]) for key in days for at in [find(ids, key)])


def packed(days: dict[bytes, int]) -> bytes:
    return b"".join(pack(id_hash, day) for id_hash, day in days.items())


def test_a_full_tail_becomes_the_next_chunk_without_ids_that_are_too_old() -> None:
    a, b, c = hash_of("a"), hash_of("b"), hash_of("c")
    chunks = [ChunkMeta(4, 3, 99)]

    meta, ids = spill(packed({a: 100, b: 101, c: 138}), chunks, 138, LIMITS)

    assert unpack(ids) == {b: 101, c: 138}
    assert meta == ChunkMeta(5, 2, 138)
    assert chunks == [ChunkMeta(4, 3, 99), meta]


def test_chunks_are_dropped_when_no_topic_can_still_deliver_a_duplicate_of_them() -> None:
    chunks = [ChunkMeta(0, 3, 99), ChunkMeta(1, 3, 100), ChunkMeta(2, 3, 137)]

    assert surplus(chunks, 136, LIMITS) == []
    assert surplus(chunks, 137, LIMITS) == chunks[:1]


def test_beyond_the_limit_the_oldest_chunks_are_dropped_whatever_their_size() -> None:
    chunks = [ChunkMeta(0, 1, 100), ChunkMeta(1, 5, 100), ChunkMeta(2, 4, 100)]

    assert surplus(chunks, 100, LIMITS._replace(max_ids=10)) == []
    assert surplus(chunks, 100, LIMITS._replace(max_ids=9)) == chunks[:1]
    # Chunk 0 would fit beside chunk 2, but it is older than chunk 1, which does not.
    assert set(map(id, surplus(chunks, 100, LIMITS._replace(max_ids=8)))) == set(map(id, chunks[:2]))


def viewed(number: int, offset: int, append_day: int = 0) -> Arrival:
    return Arrival(event("page_viewed", "2026-06-15 12:00", f"e-{number}"), 0, offset, append_day)


def test_an_id_is_found_again_in_a_spilled_chunk_of_an_earlier_flush() -> None:
    worker = MiniatureWorker(DedupeLimits(tail_ids=4))
    worker.flush([viewed(number, number) for number in range(10)])

    worker.flush([viewed(number, 10 + number) for number in range(10)])

    assert worker.outcomes[10:] == [Outcome.DUPLICATE] * 10
    assert [meta.size for meta in worker.state.id_chunks] == [4, 4]
    assert len(worker.state.recent_ids) == 2 * ID_BYTES
    assert worker.state.events_total == 10


def test_only_so_many_ids_are_remembered() -> None:
    worker = MiniatureWorker(DedupeLimits(tail_ids=4, max_ids=8))
    worker.flush([viewed(number, number) for number in range(19)])

    assert {meta.seq for meta in worker.state.id_chunks} == set(worker.chunks) == {2, 3}
    worker.flush([viewed(number, 19 + number) for number in (0, 7, 8, 18)])

    # The oldest two chunks are forgotten; their events are counted again.
    assert worker.outcomes[19:] == [Outcome.COUNTED, Outcome.COUNTED, Outcome.DUPLICATE, Outcome.DUPLICATE]


def test_a_duplicate_after_the_horizon_is_counted_again_and_then_remembered_anew() -> None:
    worker = MiniatureWorker()

    for offset, append_day in enumerate([0, 7, 8, 15, 16]):
        worker.flush([viewed(1, offset, append_day)])

    assert worker.outcomes == [
        Outcome.COUNTED,
        Outcome.DUPLICATE,
        Outcome.COUNTED,
        Outcome.DUPLICATE,
        Outcome.COUNTED,
    ]
    assert worker.state.events_total == 3


def test_a_topic_that_lags_by_weeks_still_has_its_duplicates_recognised() -> None:
    worker = MiniatureWorker(DedupeLimits(tail_ids=2))
    # The website topic is read on day 2; the purchase topic is far ahead and fills the tail on day 25.
    worker.flush([viewed(1, 0, append_day=2)])
    worker.flush(
        [viewed(2, 0, append_day=25)._replace(source=9), viewed(3, 1, append_day=25)._replace(source=9)]
    )

    worker.flush([viewed(1, 1, append_day=4)])

    assert worker.outcomes[-1] is Outcome.DUPLICATE


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), min_size=1, max_size=30))
@settings(max_examples=100)
def test_chunks_and_tail_together_hold_every_id_once(deliveries: list[tuple[int, int]]) -> None:
    worker = MiniatureWorker(DedupeLimits(tail_ids=3, horizon_days=30))
    for offset, (number, append_day) in enumerate(deliveries):
        worker.flush([viewed(number, offset, append_day)])

    state = worker.state
    remembered = [
        *unpack(state.recent_ids),
        *(id_hash for chunk in worker.chunks.values() for id_hash in unpack(chunk)),
    ]
    assert sorted(remembered) == sorted({hash_of(f"e-{number}") for number, _ in deliveries})
    assert len(state.recent_ids) < 3 * ID_BYTES
    assert all(meta.size == len(unpack(worker.chunks[meta.seq])) for meta in state.id_chunks)
