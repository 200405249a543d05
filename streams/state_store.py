"""Customer state on local disk: RocksDB, as a materialization of the changelog topic.

Every write goes to the changelog first and is acknowledged there; then records and the changelog
offset that they reach enter RocksDB in one atomic batch. So the store is always a prefix of the
changelog, and recovery means reading on from the stored offset.

Every value begins with the term of its writer, a number that grows with each assignment of the partition.
A record that a former owner still got into the changelog is recognised by its lower term (or, within a
term, a customer's lower version) and left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from streams.core.state import HEADER
from streams.errors import EngageError

_KIND_CUSTOMER: Final = b"c"
_AFTER_CUSTOMERS: Final = b"d"
_KIND_IDS: Final = b"i"
_KIND_ORDER: Final = b"o"
#: Not in the changelog: an index over customers, by the day on which their status changes next.
_KIND_DUE: Final = b"d"
_OFFSET_KEY: Final = b"\x00changelog-offset"
_MIB = 1024 * 1024

_TERM_BYTES: Final = 4
_VERSION_BYTES: Final = _TERM_BYTES + 8
_DAY_BYTES: Final = 4
_DUE_BYTES: Final = slice(_TERM_BYTES + HEADER.size - _DAY_BYTES, _TERM_BYTES + HEADER.size)
_NEVER: Final = bytes(_DAY_BYTES)

#: A changelog record: key, and value or None for a deletion.
Change = tuple[bytes, bytes | None]


class Due(NamedTuple):
    """An entry of the index: a day, as days from 1970, and the customer who is looked at then.

    Entries are never taken back: a customer may be due on another day by now.
    """

    day: int
    customer_id: str


#: Where the id begins in the key of a customer's hot value.
_ID_AT: Final = 3


def _key(kind: bytes, customer_id: str, suffix: bytes = b"") -> bytes:
    raw = customer_id.encode()
    return kind + len(raw).to_bytes(2, "big") + raw + suffix


def customer_key(customer_id: str) -> bytes:
    """Changelog key of a customer's hot value."""
    return _key(_KIND_CUSTOMER, customer_id)


def ids_key(customer_id: str, seq: int) -> bytes:
    """Changelog key of one chunk of event ids."""
    return _key(_KIND_IDS, customer_id, seq.to_bytes(4, "big"))


def order_key(customer_id: str, order_id: str) -> bytes:
    """Changelog key of one order id of a customer."""
    return _key(_KIND_ORDER, customer_id, order_id.encode())


class StateStore:
    """One RocksDB for all partitions of a worker; keys are `partition (2 bytes) + changelog key`."""

    def __init__(self, path: Path, *, block_cache_mib: int) -> None:
        """Open or create the store.

        Raises:
            EngageError: the directory cannot be used, for example because another worker has it open.
        """
        self._terms: dict[int, int] = {}
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(path), options=_options(block_cache_mib))
        except Exception as error:  # rocksdict raises bare Exception
            reason = str(error).splitlines()[0]
            raise EngageError(
                f"state directory {path} cannot be opened: {reason}. "
                "Stop the worker that uses it, or set ENGAGE_DATA_DIR to another directory."
            ) from error

    def close(self) -> None:
        self._db.close()

    def disk_bytes(self) -> int:
        """What it takes on disk, all partitions together."""
        return self._db.property_int_value("rocksdb.live-sst-files-size") or 0

    def get(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Values by changelog key, without their term, None where there is none; in the order of `keys`."""
        return [None if raw is None else raw[_TERM_BYTES:] for raw in self._raw(partition, keys)]

    def _raw(self, partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        prefix = _prefix(partition)
        values: Any = self._db.get([prefix + key for key in keys])
        return list(values)

    def term_of(self, partition: int, key: bytes) -> int:
        """The term in which a key was written, 0 if it never was."""
        (raw,) = self._raw(partition, [key])
        return int.from_bytes(raw[:_TERM_BYTES], "big") if raw else 0

    def begin_term(self, partition: int, term: int) -> None:
        """From now on, `stamp_all` writes this term for the partition."""
        self._terms[partition] = term

    def term(self, partition: int) -> int:
        """The term begun for the partition, 0 before the first."""
        return self._terms.get(partition, 0)

    def stamp_all(self, partition: int, changes: Iterable[Change]) -> list[Change]:
        """Changes as they are written to changelog and store: values behind the present term.

        Deletions carry none.
        """
        prefix = stamped(self.term(partition), b"")
        return [(key, None if value is None else prefix + value) for key, value in changes]

    def offset(self, partition: int) -> int:
        """The changelog offset up to which this store has everything; 0 for a new one."""
        raw = self._db.get(_prefix(partition) + _OFFSET_KEY)
        return struct.unpack(">Q", raw)[0] if raw else 0

    def write(self, changes: dict[int, list[Change]], offsets: dict[int, int]) -> None:
        """Apply stamped changes by partition, with the changelog offsets they reach, in one atomic batch."""
        batch = WriteBatch(raw_mode=True)
        for partition, records in changes.items():
            prefix = _prefix(partition)
            for key, value in records:
                if value is None:
                    batch.delete(prefix + key)
                else:
                    batch.put(prefix + key, value)
                    if key.startswith(_KIND_CUSTOMER) and value[_DUE_BYTES] != _NEVER:
                        batch.put(prefix + _KIND_DUE + value[_DUE_BYTES] + key[_ID_AT:], b"")
        for partition, offset in offsets.items():
            batch.put(_prefix(partition) + _OFFSET_KEY, struct.pack(">Q", offset))
        self._db.write(batch)

    def customers(self, partition: int, after: str, limit: int) -> list[str]:
        """Ids of customers in the order of their keys, from behind one of them; '' for the first."""
        prefix = _prefix(partition)
        last = prefix + (customer_key(after) if after else _KIND_CUSTOMER)
        keys = (key for key in self._keys(last, prefix + _AFTER_CUSTOMERS) if key != last)
        return [key[len(prefix) + _ID_AT :].decode() for key in islice(keys, limit)]

    def due(self, partition: int, until_day: int, limit: int) -> list[Due]:
        """Customers who are due up to a day, that day included, in order of their day."""
        prefix = _prefix(partition) + _KIND_DUE
        id_at = len(prefix) + _DAY_BYTES
        keys = self._keys(prefix, prefix + _day(until_day + 1))
        return [
            Due(int.from_bytes(key[len(prefix) : id_at], "big"), key[id_at:].decode())
            for key in islice(keys, limit)
        ]

    def _keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        """Keys in order, from `start` on, `stop` not among them."""
        entries = self._db.iter()
        entries.seek(start)
        while entries.valid() and (key := entries.key()) < stop:
            yield key
            entries.next()

    def forget_due(self, partition: int, entries: Iterable[Due]) -> None:
        """Take entries out of the index."""
        batch = WriteBatch(raw_mode=True)
        for day, customer_id in entries:
            batch.delete(_prefix(partition) + _KIND_DUE + _day(day) + customer_id.encode())
        self._db.write(batch)

    def restore(self, partition: int, records: Iterable[Change], offset: int) -> list[bytes]:
        """Apply changelog records that end before `offset`, but none that is older than what is held.

        Returns the keys of which the changelog now ends with a record that is older than the one held.
        """
        newest: dict[bytes, bytes | None] = {}
        outdated: dict[bytes, None] = {}
        records = list(records)
        held = dict(
            zip((key for key, _ in records), self._raw(partition, [key for key, _ in records]), strict=True)
        )
        for key, value in records:
            kept = newest.get(key, held[key])
            if kept is not None and value is not None and _is_older(key, value, kept):
                outdated[key] = None
            else:
                newest[key] = value
                outdated.pop(key, None)
        self.write({partition: list(newest.items())}, {partition: offset})
        return list(outdated)

    def forget(self, partition: int) -> None:
        """Drop everything held for a partition."""
        prefix = _prefix(partition)
        self._db.delete_range(prefix, _prefix(partition + 1))


def stamped(term: int, value: bytes) -> bytes:
    """A value behind its writer's term."""
    return term.to_bytes(_TERM_BYTES, "big") + value


def _is_older(key: bytes, value: bytes, held: bytes) -> bool:
    """Whether the term, and of a customer also the version, is below the one held."""
    size = _VERSION_BYTES if key.startswith(_KIND_CUSTOMER) else _TERM_BYTES
    return value[:size] < held[:size]


def _day(number: int) -> bytes:
    return number.to_bytes(_DAY_BYTES, "big")


def _prefix(partition: int) -> bytes:
    return partition.to_bytes(2, "big")


def _options(block_cache_mib: int) -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_max_background_jobs(2)
    options.set_write_buffer_size(32 * _MIB)
    options.set_keep_log_file_num(2)
    options.set_compression_type(DBCompressionType.lz4())
    blocks = BlockBasedOptions()
    # RocksDB would take what it likes; index and filter blocks count too.
    blocks.set_block_cache(Cache(block_cache_mib * _MIB))
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_bloom_filter(10, False)
    options.set_block_based_table_factory(blocks)
    return options
