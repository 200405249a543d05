"""How a text is split into statement and data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.embedded.clickhouse.statement import (
    Insert,
    first_word,
    output_format,
    returns_rows,
    split_insert,
    tokens,
    touches_files,
)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            b"INSERT INTO t FORMAT Native\n\t\n\x00data",
            Insert(b"INSERT INTO t ", b"", "Native", b"\t\n\x00data"),
        ),
        (b"insert into t (a) format CSV  \r\n1\n", Insert(b"insert into t (a) ", b"", "CSV", b"1\n")),
        (b"INSERT INTO t VALUES (1)", Insert(b"INSERT INTO t ", b"", "Values", b" (1)")),
        (b"INSERT INTO t FORMAT Values (1)", Insert(b"INSERT INTO t ", b"", "Values", b"(1)")),
        (b"INSERT INTO format FORMAT TSV\n", Insert(b"INSERT INTO format ", b"", "TSV", b"")),
        (b"INSERT INTO `a FORMAT b` FORMAT TSV\n", Insert(b"INSERT INTO `a FORMAT b` ", b"", "TSV", b"")),
        (
            b"INSERT INTO t (format, `values`) FORMAT TSV\n",
            Insert(b"INSERT INTO t (format, `values`) ", b"", "TSV", b""),
        ),
        (
            b"INSERT INTO t SETTINGS x = 'FORMAT', y = 1 FORMAT TSV\n1",
            Insert(b"INSERT INTO t ", b"SETTINGS x = 'FORMAT', y = 1 ", "TSV", b"1"),
        ),
        (
            b"/* FORMAT */ INSERT -- VALUES\nINTO t FORMAT TSV\n1",
            Insert(b"/* FORMAT */ INSERT -- VALUES\nINTO t ", b"", "TSV", b"1"),
        ),
        (b"INSERT INTO t SELECT 'FORMAT CSV'", None),
        (b"INSERT INTO t FROM INFILE 'x' FORMAT CSV", None),
        (b"SELECT 1 FORMAT CSV", None),
        (b"INSERT INTO t", None),
        (b"", None),
    ],
)
def test_an_insert_is_split_where_its_rows_begin(sql: bytes, expected: Insert | None) -> None:
    assert split_insert(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1\n format CSV SETTINGS max_threads = 1;", "CSV"),
        (b"SELECT 'FORMAT JSON'", None),
        (b"SELECT format('{}', 1)", None),
        (b"SELECT 1 -- FORMAT JSON", None),
        (b"SELECT $$ FORMAT JSON $$", None),
        (b"SELECT $x$ ' $$ $x$ FORMAT CSV", "CSV"),
        (b"SELECT a$$b, 1 FORMAT CSV -- $$", "CSV"),
    ],
)
def test_the_format_is_read_from_its_clause_only(sql: bytes, expected: str | None) -> None:
    assert output_format(sql) == expected


def test_the_first_word_is_found_behind_comments_and_brackets() -> None:
    assert first_word(b" /* a */ -- b\n ((select 1))") == b"SELECT"
    assert returns_rows(b"(SELECT 1) UNION ALL (SELECT 2)")
    assert not returns_rows(b"CREATE TABLE t AS SELECT 1")
    assert first_word(b"") == b""


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"SELECT 1 INTO OUTFILE 'x'", True),
        (b"SELECT 1 into /* */ outfile 'x'", True),
        (b"INSERT INTO t FROM INFILE 'x' FORMAT CSV", True),
        (b"SELECT 'INTO OUTFILE'", False),
        (b"SELECT outfile FROM infiles", False),
    ],
)
def test_clauses_that_name_files_are_seen(sql: bytes, expected: bool) -> None:
    assert touches_files(sql) is expected


@given(st.binary(max_size=200))
def test_tokens_cover_any_bytes_in_order(sql: bytes) -> None:
    end = 0
    for token in tokens(sql):
        assert token.start >= end
        assert sql[token.start : token.end] == token.text != b""
        end = token.end


@given(st.binary(max_size=200))
def test_rows_are_never_changed(data: bytes) -> None:
    insert = split_insert(b"INSERT INTO t (a) FORMAT RowBinary\n" + data)
    assert insert is not None
    assert insert.data == data
