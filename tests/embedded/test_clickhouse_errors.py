"""Errors as clients see them, from what chDB raises."""

from __future__ import annotations

import pytest

from streams.embedded.clickhouse.errors import from_engine

RAISED = [
    (
        "Code: 60. DB::Exception: No table t. (UNKNOWN_TABLE)",
        "Code: 60. DB::Exception: No table t. (UNKNOWN_TABLE)",
    ),
    (
        "Streaming query failed: Code: 395. DB::Exception: Late. (FUNCTION_THROW) (version 26.9.2.1)",
        "Code: 395. DB::Exception: Late. (FUNCTION_THROW)",
    ),
    (
        "Code: 27. DB::Exception: Code: 27. DB::Exception: Cannot parse: (at row 2)\n"
        ": (in file/uri /proc/self/fd/29): While executing File: data for INSERT was parsed from file. "
        "(CANNOT_PARSE) (version 26.9.2.1 (official build)). (CANNOT_PARSE)",
        "Code: 27. DB::Exception: Cannot parse: (at row 2)\n. (CANNOT_PARSE)",
    ),
]


@pytest.mark.parametrize(("raised", "shown"), RAISED)
def test_only_the_message_of_clickhouse_is_shown(raised: str, shown: str) -> None:
    assert str(from_engine(RuntimeError(raised))) == shown


@pytest.mark.parametrize(
    ("code", "status"), [(60, 404), (62, 400), (81, 404), (159, 408), (497, 403), (252, 500)]
)
def test_the_status_is_the_one_that_clickhouse_gives(code: int, status: int) -> None:
    error = from_engine(RuntimeError(f"Code: {code}. DB::Exception: x. (X)"))
    assert (error.code, error.status) == (code, status)


def test_an_error_without_a_code_is_an_unknown_exception() -> None:
    error = from_engine(RuntimeError("something else"))
    assert (error.code, error.status) == (1002, 500)
    assert "something else" in str(error)
