"""The five-minute buckets of one customer, packed into one string of bytes.

A busy customer has hundreds of them, of which a flush touches the newest few. Packed, the others are copied
between memory and store as they are, instead of becoming objects that are made, walked and freed again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from struct import Struct
from typing import Final

import msgspec

#: Bucket key, events, orders, conversations, messages; big-endian, so that keys compare as bytes do.
_PACKED: Final = Struct(">5I")
_SIZE: Final = _PACKED.size
_KEY_BYTES: Final = 4
#: How many buckets are looked at from the end before the others are searched.
_NEWEST: Final = 4


class FiveCell(msgspec.Struct, gc=False):
    """One (five minutes, channel)."""

    events: int
    orders: int
    conversations: int
    messages: int


def _find(fives: bytes, key: int) -> int:
    """Where the first bucket begins whose key is not below this one."""
    wanted = key.to_bytes(_KEY_BYTES, "big")
    at = len(fives)
    for _ in range(_NEWEST):
        before = at - _SIZE
        if before < 0 or fives[before : before + _KEY_BYTES] < wanted:
            return at
        at = before
    starts = range(0, at, _SIZE)
    return bisect_left(starts, wanted, key=lambda start: fives[start : start + _KEY_BYTES]) * _SIZE


def get(fives: bytes, key: int) -> FiveCell | None:
    """The cell of a bucket, None if there is none."""
    at = _find(fives, key)
    if at == len(fives):
        return None
    found, events, orders, conversations, messages = _PACKED.unpack_from(fives, at)
    return FiveCell(events, orders, conversations, messages) if found == key else None


def put(fives: bytes, cells: Mapping[int, FiveCell]) -> bytes:
    """With these cells by key, in place of those that are there; at least one."""
    new = [
        _PACKED.pack(key, cell.events, cell.orders, cell.conversations, cell.messages)
        for key, cell in cells.items()
    ]
    at = _find(fives, min(cells))
    if at < len(fives):
        kept = {
            fives[start : start + _KEY_BYTES]: fives[start : start + _SIZE]
            for start in range(at, len(fives), _SIZE)
        }
        kept.update((packed[:_KEY_BYTES], packed) for packed in new)
        new = list(kept.values())
    # As their keys compare.
    new.sort()
    return fives[:at] + b"".join(new)


def drop_below(fives: bytes, oldest: int) -> bytes:
    """Without the buckets whose key is below this one."""
    if not fives or fives[:_KEY_BYTES] >= oldest.to_bytes(_KEY_BYTES, "big"):
        return fives
    return fives[_find(fives, oldest) :]


def unpack(fives: bytes) -> dict[int, FiveCell]:
    """All cells by key, in order."""
    return {key: FiveCell(*counts) for key, *counts in _PACKED.iter_unpack(fives)}
