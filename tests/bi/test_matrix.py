"""The table shows what was noted, and where nothing was."""

from __future__ import annotations

from tests.bi.matrix import Cell, table


def test_rows_stand_in_order_of_their_names_and_columns_in_order_of_their_numbers() -> None:
    cells = [
        Cell("v_b", 1, "Node", "values"),
        Cell("v_a", 0, "SQLAlchemy", "ok"),
        Cell("v_b", 0, "SQLAlchemy", "ok"),
    ]
    assert [line.split() for line in table(cells)] == [
        ["SQLAlchemy", "Node"],
        ["v_a", "ok", "·"],
        ["v_b", "ok", "values"],
    ]
