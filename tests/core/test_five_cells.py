"""Five-minute cells, packed: as a dict in order of its keys."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core import five_cells
from streams.core.five_cells import FiveCell

#: Near enough to one another to meet, and some far off.
keys = st.one_of(st.integers(100, 130), st.integers(0, 2**32 - 1))
counts = st.integers(0, 2**32 - 1)
cells = st.dictionaries(keys, st.builds(FiveCell, counts, counts, counts, counts), min_size=1, max_size=12)


def packed(flushes: list[dict[int, FiveCell]]) -> tuple[bytes, dict[int, FiveCell]]:
    fives, held = b"", dict[int, FiveCell]()
    for flush in flushes:
        fives = five_cells.put(fives, flush)
        held |= flush
    return fives, held


@given(st.lists(cells, max_size=6))
@settings(max_examples=200)
def test_the_last_cell_put_for_a_bucket_is_held_in_its_place(flushes: list[dict[int, FiveCell]]) -> None:
    fives, held = packed(flushes)

    assert list(five_cells.unpack(fives).items()) == sorted(held.items())


@given(st.lists(cells, max_size=4), keys)
@settings(max_examples=200)
def test_a_cell_is_found_by_its_key_and_no_other(flushes: list[dict[int, FiveCell]], key: int) -> None:
    fives, held = packed(flushes)

    for wanted in (key, *held):
        assert five_cells.get(fives, wanted) == held.get(wanted)


@given(st.lists(cells, max_size=4), keys)
@settings(max_examples=200)
def test_dropping_leaves_the_buckets_from_a_key_on(flushes: list[dict[int, FiveCell]], oldest: int) -> None:
    fives, held = packed(flushes)

    left = five_cells.unpack(five_cells.drop_below(fives, oldest))
    assert left == {key: cell for key, cell in held.items() if key >= oldest}
