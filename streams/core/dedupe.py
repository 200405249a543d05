"""Recent event ids of one customer: has this event been counted already?

An id is remembered as a 64-bit hash with the append day of its first delivery. New ids go to a short
`tail` inside the hot state; a full tail is spilled into a chunk that is never written again, so that
a busy customer's flush does not rewrite thousands of ids. Within the limits below, whether an id is a
duplicate depends on the append times alone, never on how records were batched or topics interleaved.

With 65,536 ids per customer a hash collision (an event wrongly taken for a duplicate) has odds of
4e-15 per event.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import msgspec


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


def hash_of(event_id: str) -> int:
    """64-bit hash of an event id, the same in every process."""
    return int.from_bytes(blake2b(event_id.encode(), digest_size=8).digest(), "little")


def is_duplicate(first_day: int | None, append_day: int, limits: DedupeLimits) -> bool:
    """Whether an id first appended on `first_day` makes a delivery on `append_day` a duplicate."""
    return first_day is not None and append_day - first_day <= limits.horizon_days


def spill(
    tail: dict[int, int], chunks: list[ChunkMeta], today: int, limits: DedupeLimits
) -> tuple[ChunkMeta, dict[int, int]]:
    """Turn a full tail into the next chunk, ids too old to be kept left out; empties `tail`.

    Returns the chunk's meta, already appended to `chunks`, and its ids with their append days.
    """
    ids = {id_hash: day for id_hash, day in tail.items() if today - day <= limits.kept_days}
    meta = ChunkMeta(chunks[-1].seq + 1 if chunks else 0, len(ids), max(ids.values()))
    chunks.append(meta)
    tail.clear()
    return meta, ids


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
