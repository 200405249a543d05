"""Recent event ids of one customer: has this event been counted already?

An id is remembered as a 64-bit hash with the append day of its first delivery, ten bytes together. New ids
go to a short tail inside the hot state, one string of bytes, because a dict of integers would take longer to
decode than everything else in the state. A full tail is spilled into a chunk that is never written again, so
that a busy customer's flush does not rewrite thousands of ids. Within the limits below, whether an id is a
duplicate depends on the append times alone, never on how records were batched or topics interleaved.

With 65,536 ids per customer a hash collision (an event wrongly taken for a duplicate) has odds of
4e-15 per event.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

_HASH_BYTES: Final = 8
_DAY_BYTES: Final = 2
#: A remembered id: its hash, and the append day of its first delivery as days since 1970.
ID_BYTES: Final = _HASH_BYTES + _DAY_BYTES


class DedupeLimits(NamedTuple):
    """`horizon_days` by broker append time; at most `max_ids` per customer in chunks of `tail_ids`.

    Ids are kept `skew_days` longer than the horizon, because topics are read at different speeds: after an
    outage one may be that far behind another. (The retention of the topics is the most that is possible.)
    """

    horizon_days: int = 7
    max_ids: int = 65_536
    skew_days: int = 30
    tail_ids: int = 128

    @property
    def kept_days(self) -> int:
        """Append days after which an id is forgotten."""
        return self.horizon_days + self.skew_days


class ChunkMeta(msgspec.Struct, array_like=True):
    """A spilled chunk: its number, how many ids it holds, and the newest append day among them."""

    seq: int
    size: int
    newest_day: int


def hash_of(event_id: str) -> bytes:
    """64-bit hash of an event id, the same in every process."""
    return blake2b(event_id.encode(), digest_size=_HASH_BYTES).digest()


def find(ids: bytes, id_hash: bytes) -> int:
    """Where an id is among packed ids, -1 if it is not there."""
    at = ids.find(id_hash)
    while at >= 0 and at % ID_BYTES:
        # The end of one id and the beginning of the next.
        at = ids.find(id_hash, at + 1)
    return at


def pack(id_hash: bytes, append_day: int) -> bytes:
    """A remembered id."""
    return id_hash + append_day.to_bytes(_DAY_BYTES, "big")


def day_at(ids: bytes, at: int) -> int:
    """The append day of the packed id that begins at `at`."""
    return int.from_bytes(ids[at + _HASH_BYTES : at + ID_BYTES], "big")


def unpack(ids: bytes) -> dict[bytes, int]:
    """Append days by hash."""
    return {ids[at : at + _HASH_BYTES]: day_at(ids, at) for at in range(0, len(ids), ID_BYTES)}


def is_duplicate(first_day: int, append_day: int, limits: DedupeLimits) -> bool:
    """Whether an id first appended on `first_day` makes a delivery on `append_day` a duplicate."""
    return append_day - first_day <= limits.horizon_days


def spill(tail: bytes, chunks: list[ChunkMeta], today: int, limits: DedupeLimits) -> tuple[ChunkMeta, bytes]:
    """Turn a full tail into the next chunk, ids too old to be kept left out.

    Returns the chunk's meta, already appended to `chunks`, and its packed ids.
    """
    kept = {id_hash: day for id_hash, day in unpack(tail).items() if today - day <= limits.kept_days}
    meta = ChunkMeta(chunks[-1].seq + 1 if chunks else 0, len(kept), max(kept.values()))
    chunks.append(meta)
    return meta, b"".join(pack(id_hash, day) for id_hash, day in kept.items())


def surplus(chunks: Iterable[ChunkMeta], today: int, limits: DedupeLimits) -> list[ChunkMeta]:
    """Chunks to drop: too old to be kept on append day `today`, or the oldest beyond `max_ids`."""
    kept = 0
    is_full = False
    dropped = []
    for meta in sorted(chunks, key=lambda chunk: -chunk.seq):
        is_full = is_full or kept + meta.size > limits.max_ids
        if is_full or today - meta.newest_day > limits.kept_days:
            dropped.append(meta)
        else:
            kept += meta.size
    return dropped
