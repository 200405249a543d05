"""A mutation loop in plain Python, for where atheris is not installed.

It knows nothing of coverage; what it has instead is a corpus, words that mean something to the target, and
speed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

_INTERESTING: Final = (
    b"\x00",
    b"\xff",
    b"\x80",
    b"\x7f",
    b"\n",
    b"\r\n",
    b"'",
    b'"',
    b"\\",
    b"-1",
    b"0",
    b"1e999",
)
_MOST_STEPS: Final = 6

WORDS: Final[dict[str, tuple[bytes, ...]]] = {
    "decode": tuple(
        b'null|true|false|{}|[]|""|1.0|1e400|-0|9223372036854775808|18446744073709551616|NaN|\\u0000|\\ud800|'
        b'\\udc00|"event_id":|"type":|"occurred_at":|"customer_id":|"anonymous_id":|"properties":|"extra":|'
        b'"order_completed"|"message_sent"|"text":|"items":[|"score":|"anon:|2026-11-22T05:00:01Z|+23:59|[[[[[['.split(
            b"|"
        )
    ),
    "front": tuple(
        b"SELECT |INSERT INTO |FORMAT |VALUES |SETTINGS |WITH |FROM | AS (| IN |/*|*/|//|-- |#!|$$|$a$|(|)|`|"
        b"{x:|Identifier}|(children |(alias |&|=|%00|%ff|user=bi_reader|param_x=|query=|session_timeout=|"
        b"readonly=|Content-Encoding: gzip\r\n|Content-Encoding: zstd\r\n|Authorization: Basic |Host: |"
        b"Content-Type: multipart/form-data; boundary=x\r\n|--x\r\n|; charset=|(version |In scope "
        b"SELECT formatQuery(|\xc2\xa0|\xe2\x80\x98".split(b"|")
    ),
}


def mutants(seeds: Sequence[bytes], words: Sequence[bytes], seed: int, max_bytes: int) -> Iterator[bytes]:
    """Endless: variants of `seeds` with one to six changes each. The same `seed` gives the same variants."""
    chance = random.Random(seed)
    changes = _changes(chance, seeds, (*words, *_INTERESTING))
    while True:
        data = chance.choice(seeds)
        for _ in range(chance.randint(1, _MOST_STEPS)):
            data = chance.choice(changes)(data)
        yield data[:max_bytes]


def _changes(
    chance: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]
) -> tuple[Callable[[bytes], bytes], ...]:
    def place(data: bytes) -> int:
        return int(chance.random() * (len(data) + 1))

    def piece(data: bytes) -> tuple[int, int]:
        start = place(data)
        return start, min(len(data), start + 1 + int(chance.expovariate(0.1)))

    def set_byte(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + bytes((chance.getrandbits(8),)) + data[at + 1 :]

    def flip_bit(data: bytes) -> bytes:
        at = place(data)
        return (
            data[:at]
            + bytes(byte ^ 1 << chance.getrandbits(3) for byte in data[at : at + 1])
            + data[at + 1 :]
        )

    def insert_word(data: bytes) -> bytes:
        at = place(data)
        return data[:at] + chance.choice(words) + data[at:]

    def replace_by_word(data: bytes) -> bytes:
        start, end = piece(data)
        return data[:start] + chance.choice(words) + data[end:]

    def remove(data: bytes) -> bytes:
        start, end = piece(data)
        return data[:start] + data[end:]

    def repeat(data: bytes) -> bytes:
        start, end = piece(data)
        return data[:start] + data[start:end] * chance.choice((2, 3, 20)) + data[end:]

    def move(data: bytes) -> bytes:
        (start, end), at = piece(data), place(data)
        return data[:at] + data[start:end] + data[at:]

    def cross(data: bytes) -> bytes:
        other = chance.choice(seeds)
        return data[: place(data)] + other[place(other) :]

    def cut(data: bytes) -> bytes:
        return data[: place(data)]

    return set_byte, flip_bit, insert_word, insert_word, replace_by_word, remove, repeat, move, cross, cut
