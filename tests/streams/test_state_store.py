"""The store on disk: a copy of the changelog, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.core.state import CustomerState, encode_state
from streams.errors import EngageError
from streams.state_store import Change, StateStore, customer_key, ids_key, order_key, stamped
from tests.streams.fakes import content


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    opened = StateStore(tmp_path / "state", block_cache_mib=8)
    yield opened
    opened.close()


def hot(n_applied: int, events_total: int = 0) -> bytes:
    return encode_state(CustomerState(n_applied=n_applied, events_total=events_total))


def test_values_come_back_in_the_order_of_the_keys(store: StateStore) -> None:
    store.write({1: [(b"a", stamped(1, b"1")), (b"b", stamped(1, b"2"))]}, {})

    assert store.get(1, [b"b", b"x", b"a"]) == [b"2", None, b"1"]
    assert store.get(1, []) == []


def test_partitions_do_not_see_each_other(store: StateStore) -> None:
    store.write({1: [(b"a", stamped(1, b"1"))], 256: [(b"a", stamped(1, b"2"))]}, {1: 5})

    assert store.get(1, [b"a"]) == [b"1"]
    assert store.get(256, [b"a"]) == [b"2"]
    assert (store.offset(1), store.offset(256)) == (5, 0)


def test_a_change_without_a_value_deletes(store: StateStore) -> None:
    store.write({1: [(b"a", stamped(1, b"1"))]}, {})
    store.write({1: [(b"a", None), (b"never", None)]}, {})

    assert store.get(1, [b"a"]) == [None]


def test_values_and_offsets_survive_a_restart(tmp_path: Path) -> None:
    first = StateStore(tmp_path, block_cache_mib=8)
    first.write({3: [(b"a", stamped(1, b"1"))]}, {3: 2**40})
    first.close()

    again = StateStore(tmp_path, block_cache_mib=8)
    assert again.get(3, [b"a"]) == [b"1"]
    assert again.offset(3) == 2**40
    again.close()


def test_forgetting_a_partition_leaves_the_others(store: StateStore) -> None:
    store.write(
        {1: [(b"\x00", stamped(1, b"1")), (b"\xff" * 9, stamped(1, b"2"))], 2: [(b"a", stamped(1, b"3"))]},
        {1: 5, 2: 6},
    )

    store.forget(1)

    assert store.get(1, [b"\x00", b"\xff" * 9]) == [None, None]
    assert (store.offset(1), store.offset(2)) == (0, 6)
    assert store.get(2, [b"a"]) == [b"3"]


def test_a_directory_in_use_is_refused_with_a_way_out(tmp_path: Path, store: StateStore) -> None:
    with pytest.raises(
        EngageError, match=r"cannot be opened: .*\. Stop the worker .* ENGAGE_DATA_DIR"
    ) as refused:
        StateStore(tmp_path / "state", block_cache_mib=8)

    assert "\n" not in str(refused.value)


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(EngageError, match="cannot be opened"):
        StateStore(tmp_path / "state", block_cache_mib=8)


def test_restoring_applies_the_newest_record_of_each_key(store: StateStore) -> None:
    store.restore(
        1, [(customer_key("c-1"), stamped(1, hot(1))), (order_key("c-1", "o-1"), stamped(1, b"[1]"))], 2
    )
    store.restore(
        1, [(customer_key("c-1"), stamped(1, hot(2))), (customer_key("c-1"), stamped(1, hot(3)))], 4
    )

    assert store.get(1, [customer_key("c-1"), order_key("c-1", "o-1")]) == [hot(3), b"[1]"]
    assert store.offset(1) == 4


@pytest.mark.parametrize("together", [True, False])
def test_restoring_never_turns_a_customer_back_a_version(store: StateStore, together: bool) -> None:
    records: list[Change] = [
        (customer_key("c-1"), stamped(1, hot(3))),
        (customer_key("c-1"), stamped(1, hot(2))),
    ]
    for part in [records] if together else [records[:1], records[1:]]:
        store.restore(1, part, 9)

    assert store.get(1, [customer_key("c-1")]) == [hot(3)]
    assert store.offset(1) == 9


def test_of_records_with_equal_versions_the_later_holds(store: StateStore) -> None:
    store.restore(1, [(customer_key("c-1"), stamped(1, hot(3, 1)))], 1)
    store.restore(1, [(customer_key("c-1"), stamped(1, hot(3, 2)))], 2)

    assert store.get(1, [customer_key("c-1")]) == [hot(3, 2)]


def test_a_former_owners_record_loses_whatever_its_version_and_is_reported(store: StateStore) -> None:
    """A worker that was stopped, lost its partitions and went on writing."""
    keys = [customer_key("c-1"), order_key("c-1", "o-1"), ids_key("c-1", 0)]
    mine: list[Change] = [(keys[0], stamped(8, hot(5))), *((key, stamped(8, b"mine")) for key in keys[1:])]
    theirs: list[Change] = [
        (keys[0], stamped(7, hot(9))),
        *((key, stamped(7, b"theirs")) for key in keys[1:]),
    ]

    assert store.restore(1, [*mine, *theirs], 6) == keys
    assert store.restore(1, theirs, 9) == keys
    assert store.get(1, keys) == [hot(5), b"mine", b"mine"]
    assert store.term_of(1, keys[0]) == 8


def test_a_record_written_again_behind_an_outdated_one_is_reported_no_more(store: StateStore) -> None:
    key = customer_key("c-1")
    store.restore(1, [(key, stamped(8, hot(5)))], 1)

    assert store.restore(1, [(key, stamped(7, hot(9))), (key, stamped(8, hot(5)))], 3) == []


def test_a_new_term_stamps_what_is_written_from_then_on(store: StateStore) -> None:
    assert store.stamp_all(1, [(b"k", b"x"), (b"gone", None)]) == [(b"k", stamped(0, b"x")), (b"gone", None)]
    store.begin_term(1, 3)

    assert store.stamp_all(1, [(b"k", b"x"), (b"gone", None)]) == [(b"k", stamped(3, b"x")), (b"gone", None)]
    assert store.stamp_all(2, [(b"k", b"x"), (b"gone", None)]) == [(b"k", stamped(0, b"x")), (b"gone", None)]


def test_restoring_deletes_what_was_deleted(store: StateStore) -> None:
    store.restore(
        1,
        [
            (ids_key("c-1", 0), stamped(1, b"x")),
            (ids_key("c-1", 0), None),
            (ids_key("c-1", 1), stamped(1, b"y")),
        ],
        3,
    )

    assert store.get(1, [ids_key("c-1", 0), ids_key("c-1", 1)]) == [None, b"y"]


ids = st.text(min_size=1, max_size=6)


@given(st.lists(st.tuples(ids, st.one_of(ids, st.integers(0, 2**32 - 1))), max_size=20))
def test_keys_of_different_things_differ(things: list[tuple[str, str | int]]) -> None:
    def keys(customer: str, other: str | int) -> list[bytes]:
        cold = order_key(customer, other) if isinstance(other, str) else ids_key(customer, other)
        return [customer_key(customer), cold]

    expected = {("customer", customer) for customer, _ in things} | {
        (type(other).__name__, customer, other) for customer, other in things
    }
    assert len({key for thing in things for key in keys(*thing)}) == len(expected)


changes = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["c-1", "c-2"]).map(customer_key),
            st.builds(stamped, st.integers(0, 2), st.integers(0, 5).map(hot)),
        ),
        st.tuples(
            st.integers(0, 2).map(lambda seq: ids_key("c-1", seq)),
            st.one_of(st.none(), st.builds(stamped, st.integers(0, 2), st.binary(max_size=2))),
        ),
    ),
    max_size=12,
)


@given(changes, st.lists(st.integers(1, 4), min_size=12))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_restoring_in_portions_of_any_size_gives_the_same_store(
    store: StateStore, records: list[Change], sizes: list[int]
) -> None:
    store.forget(1)
    store.forget(2)
    store.restore(1, records, len(records))
    at = 0
    for size in sizes:
        at = min(at + size, len(records))
        store.restore(2, records[at - size if at >= size else 0 : at], at)

    whole = {key[2:]: value for key, value in content(store).items() if key[:2] == b"\x00\x01"}
    portions = {key[2:]: value for key, value in content(store).items() if key[:2] == b"\x00\x02"}
    assert portions == whole
