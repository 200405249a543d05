"""State recovered from the changelog into an empty directory, against the oracle and the workers' disks."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from rocksdict import Options, Rdict

from streams import state_store
from streams.core import five_cells
from streams.core.dedupe import hash_of, unpack
from streams.core.state import CHANNELS, applied_only, decode_orders, decode_state
from streams.kafka_security import brokers_of
from streams.recovery import recover
from streams.state_store import StateStore, customer_key, ids_key, order_key
from tests.core.oracle import Expected
from tests.faults.findings import Findings
from tests.faults.rig import PARTITIONS, Rig
from tests.faults.truth import Delivery


def check_recovered_state(
    rig: Rig, expected: Mapping[str, Expected], deliveries: list[Delivery], findings: Findings
) -> None:
    """Workers' disks of any age and an empty one, all brought to the end of the changelog, hold the same
    bytes, and these say what the oracle says. Offsets are committed to the end, so nothing would ever mend
    what is missing here. The workers must have been stopped.
    """
    with tempfile.TemporaryDirectory(dir=rig.directory) as name:
        empty = Path(name)
        bring_up_to_date(rig, empty)
        fresh = contents(empty)
        check_against_oracle(empty, expected, deliveries, findings)
    for directory in sorted(rig.data_dir.glob("worker-*/state")):
        bring_up_to_date(rig, directory)
        findings.differences(
            f"the disk of {directory.parent.name} and a recovered one", contents(directory), fresh
        )


# How often a test recovers is of no interest.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def bring_up_to_date(rig: Rig, directory: Path) -> None:
    """What a worker does with its disk when it is given all partitions."""
    store = StateStore(directory, block_cache_mib=8)
    try:
        asyncio.run(recover(brokers_of(rig.settings), store, range(PARTITIONS)))
    finally:
        store.close()


def contents(directory: Path) -> dict[bytes, bytes]:
    """Everything in a closed store, but for the index of who is due, which may have old entries."""
    database = Rdict(str(directory), options=Options(raw_mode=True))
    try:
        return dict(_items(database))
    finally:
        database.close()


def _items(database: Rdict) -> Iterator[tuple[bytes, bytes]]:
    for key, value in database.items():
        if bytes(key)[2:3] != state_store._KIND_DUE:
            yield bytes(key), bytes(value)  # type: ignore[call-overload]


def check_against_oracle(
    directory: Path, expected: Mapping[str, Expected], deliveries: list[Delivery], findings: Findings
) -> None:
    ids: dict[str, set[int]] = {}
    orders: dict[tuple[str, str], set[tuple[int, str]]] = {}
    for delivery in deliveries:
        event = delivery.event
        if event is not None:
            ids.setdefault(event.customer, set()).add(hash_of(event.event_id))
            if event.type == "order_completed":
                orders.setdefault((event.customer, event.order_id), set()).add(
                    (event.occurred_at_ms, event.event_id)
                )
    store = StateStore(directory, block_cache_mib=8)
    try:
        held = {customer: _held(store, customer) for customer in expected}
        wanted = {customer: _wanted(what, ids[customer]) for customer, what in expected.items()}
        findings.differences("state recovered into an empty directory", held, wanted)
        held_orders = {pair: _orders(store, *pair) for pair in orders}
        findings.differences(
            "orders recovered into an empty directory",
            held_orders,
            {pair: sorted(entries) for pair, entries in orders.items()},
        )
    finally:
        store.close()


def _partition_that_has(store: StateStore, key: bytes) -> int | None:
    return next((number for number in range(PARTITIONS) if store.get(number, [key])[0] is not None), None)


def _held(store: StateStore, customer: str) -> dict[str, Any] | None:
    partition = _partition_that_has(store, customer_key(customer))
    if partition is None:
        return None
    (value,) = store.get(partition, [customer_key(customer)])
    assert value is not None
    state = decode_state(value)
    chunks = store.get(partition, [ids_key(customer, meta.seq) for meta in state.id_chunks])
    ids = set(unpack(state.recent_ids)).union(*(unpack(chunk) for chunk in chunks if chunk is not None))
    return {
        "n_applied": state.n_applied,
        "events_total": state.events_total,
        "orders_total": state.orders_total,
        "first_seen_ms": state.first_seen_ms,
        "seen_ms": state.seen_ms,
        "days": {
            (key >> 2, CHANNELS[key & 3]): (cell.events, cell.counts)
            for key in state.days
            if (cell := state.day(key))
        },
        "fives": {
            ((key >> 2) * 300, CHANNELS[key & 3]): (
                cell.events,
                cell.orders,
                cell.conversations,
                cell.messages,
            )
            for key, cell in five_cells.unpack(state.fives).items()
        },
        "order_times_ms": state.order_times_ms,
        "ids": ids,
    }


def _wanted(what: Expected, ids: set[bytes]) -> dict[str, Any]:
    return {
        "n_applied": what.state["events_total"],
        "events_total": what.state["events_total"],
        "orders_total": what.state["orders_total"],
        "first_seen_ms": what.state["first_seen_at"] or 0,
        "seen_ms": [what.state[f"{channel}_seen_at"] or 0 for channel in CHANNELS],
        "days": {key: (cell["events"], cell["counts"]) for key, cell in what.days_held().items()},
        "fives": {
            key: (cell["events"], cell["orders"], cell["conversations"], cell["messages"])
            for key, cell in what.fives_held().items()
        },
        "order_times_ms": what.order_times_ms,
        "ids": ids,
    }


def _orders(store: StateStore, customer: str, order_id: str) -> list[tuple[int, str]]:
    partition = _partition_that_has(store, customer_key(customer))
    if partition is None:
        return []
    (state_value,) = store.get(partition, [customer_key(customer)])
    (value,) = store.get(partition, [order_key(customer, order_id)])
    if state_value is None or value is None:
        return []
    entries = applied_only(decode_orders(value), decode_state(state_value))
    return sorted((entry.occurred_at_ms, entry.event_id) for entry in entries)
