"""Small requests that ask for much memory or time: refused, and the front stays as it was."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from streams.embedded.clickhouse import command, wait_until_ready
from streams.embedded.clickhouse.compression import ENCODINGS, decompress, pack
from streams.embedded.clickhouse.errors import QueryError, from_engine
from streams.embedded.clickhouse.reader_text import read_text
from streams.embedded.clickhouse.reader_tree import parse_tree
from streams.embedded.clickhouse.statement import MAX_STATEMENT_BYTES, first_word, output_format, split_insert
from tests.conftest import free_port

# Two bodies at the limit of 256 MiB, and some more: so many are unpacked at the same time.
MOST_GROWTH_BYTES = 600 << 20
BOMB_BYTES = 1200 << 20
_PART_BYTES = 300 << 20


class Front(NamedTuple):
    """A front of this module's own, so that its memory can be told."""

    port: int
    pid: int

    def send(
        self,
        body: bytes = b"",
        path: str = "/",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def peak_bytes(self) -> int:
        """The most memory that the process ever held."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) << 10


def _packed(encoding: str) -> dict[str, str]:
    return {"Content-Encoding": encoding}


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell how much memory a process holds")
    port = free_port()
    process = subprocess.Popen(command(tmp_path_factory.mktemp("limits"), port))
    try:
        wait_until_ready(port, timeout_seconds=60, alive=lambda: process.poll() is None)
        yield Front(port, process.pid)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """More than 1 GiB of zeros in each encoding, in some parts because that is quicker to make."""
    part = bytes(_PART_BYTES)
    return {encoding: pack(part, encoding) * (BOMB_BYTES // _PART_BYTES) for encoding in ENCODINGS}


@pytest.fixture
def steady(front: Front) -> Iterator[Front]:
    """The front, whose memory may not grow by much during the test, and who answers after it."""
    assert front.send(b"SELECT 1") == (200, b"1\n")
    before = front.peak_bytes()
    yield front
    assert front.send(b"SELECT 1") == (200, b"1\n")
    assert front.peak_bytes() - before < MOST_GROWTH_BYTES


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_decompression_bomb_is_refused(steady: Front, bombs: dict[str, bytes], encoding: str) -> None:
    assert len(bombs[encoding]) < 6 << 20
    status, body = steady.send(bombs[encoding], headers=_packed(encoding))
    assert (status, body[:10]) == (413, b"Code: 106.")


def test_bombs_at_the_same_time_are_unpacked_one_after_another(
    steady: Front, bombs: dict[str, bytes]
) -> None:
    with ThreadPoolExecutor(8) as clients:
        sent = [clients.submit(steady.send, bombs["zstd"], headers=_packed("zstd")) for _ in range(8)]
        assert {job.result()[0] for job in sent} == {413}


@pytest.mark.parametrize(
    "encoding", ["br", "snappy", "x-snappy-framed", "gzip, gzip", "gzip, identity", "xz"]
)
def test_other_and_nested_encodings_are_not_served(steady: Front, encoding: str) -> None:
    status, body = steady.send(gzip.compress(gzip.compress(b"SELECT 1")), headers=_packed(encoding))
    assert (status, body[:9]) == (501, b"Code: 48.")


def test_what_is_packed_twice_is_unpacked_once(steady: Front) -> None:
    status, body = steady.send(gzip.compress(gzip.compress(b"SELECT 1")), headers=_packed("gzip"))
    assert (status, body[:9]) == (400, b"Code: 62.")


def test_a_bomb_in_a_part_of_a_form_is_not_unpacked(steady: Front, bombs: dict[str, bytes]) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="t"; filename="t"\r\nContent-Encoding: gzip\r\n\r\n'
    form = head + bombs["gzip"] + b"\r\n--x--\r\n"
    path = "/?query=SELECT+length(s)+FROM+t&t_structure=s+String&t_format=RawBLOB"
    _, body = steady.send(form, path, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert body == b"%d\n" % len(bombs["gzip"])


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(steady: Front) -> None:
    with socket.create_connection(("127.0.0.1", steady.port), timeout=30) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n\r\nSELECT"
        )
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_body_without_a_length_is_read_up_to_the_limit(steady: Front) -> None:
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    with socket.create_connection(("127.0.0.1", steady.port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(257):
            connection.sendall(chunk)
        assert connection.recv(12) == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/?query=" + "x" * (2 << 20), {}),
        ("/", {"X-Large": "x" * (1 << 20)}),
        ("/", {f"X-{number}": "x" for number in range(1000)}),
    ],
    ids=["a long URL", "a long header", "many headers"],
)
def test_a_large_head_is_refused(steady: Front, path: str, headers: dict[str, str]) -> None:
    status, _ = steady.send(path=path, method="GET", headers=headers)
    assert 400 <= status < 500


def test_clients_that_never_finish_hold_up_nobody(steady: Front) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", steady.port), timeout=30))
            connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nSELECT")
        assert steady.send(b"SELECT 2") == (200, b"2\n")


# -- time: what takes the square of its length would not end before the test is given up ---------------

_BYTES = 200_000


def _many(piece: bytes) -> bytes:
    return piece * (_BYTES // len(piece))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        b"/*",
        b"/* */",
        b"'",
        b"\\'",
        b"''",
        b"`",
        b'"',
        b"$a$",
        b"$ab",
        b"(",
        b"x AS (",
        b"(a) AS ((",
        b"--\n",
        b" ",
        b"1.",
    ],
    ids=repr,
)
def test_the_time_for_a_statement_grows_with_its_length(piece: bytes) -> None:
    sql = b"INSERT INTO t (" + _many(piece)
    assert first_word(sql) == b"INSERT"
    assert split_insert(sql) is None
    assert output_format(sql + b" file format") in (None, "format")
    if piece not in (b"$a$", b"$ab"):
        with contextlib.suppress(QueryError):
            read_text(b"SELECT " + _many(piece))


@pytest.mark.timeout(60)
def test_the_time_for_an_error_grows_with_its_length() -> None:
    for piece in (
        " ",
        ". (A)",
        "(version ",
        ": (A) (version a",
        ": (in file/uri ",
        ": In scope SELECT formatQuery(",
    ):
        text = f"Code: 62. DB::Exception: {piece * (_BYTES // len(piece))}"
        assert from_engine(RuntimeError(text)).code == 62


@pytest.mark.timeout(60)
def test_the_time_for_a_tree_grows_with_its_length() -> None:
    for piece in (" (alias ", " (alias x)", " (children 1)", ")", " "):
        node = parse_tree(f"Literal {piece * (_BYTES // len(piece))}x")
        assert (node.kind, node.children) == ("Literal", ())
    with pytest.raises(QueryError, match="cannot be checked"):
        parse_tree("Identifier x (children 999999999)")
    assert parse_tree(f"Identifier x (children {'9' * 5000})").children == ()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_time_for_many_small_frames_grows_with_their_number(encoding: str) -> None:
    empty = pack(b"", encoding)
    assert decompress(empty * 20_000, encoding, 1 << 20) == b""


def test_there_is_an_end_to_small_frames() -> None:
    with pytest.raises(QueryError, match="more than 100000 frames"):
        decompress(pack(b"", "deflate") * 100_001, "deflate", 1 << 20)


def test_an_endless_statement_is_an_error() -> None:
    with pytest.raises(QueryError, match="Max query size exceeded"):
        split_insert(b"INSERT INTO t (" + b"x" * MAX_STATEMENT_BYTES + b" y")
