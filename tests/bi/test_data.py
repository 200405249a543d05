"""The database of these tests holds what it is for: rows in every view, and values that drivers get wrong."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.bi.data import ODD_ID, ODD_MINOR
from tests.bi.place import Place, relation_of
from tests.bi.reading import Cell
from tests.sql.test_view_contract import VIEWS

pytestmark = pytest.mark.slow

NAMES = sorted({view.partition("(")[0] for view in VIEWS})


@pytest.fixture(scope="module")
def cells(place: Place) -> dict[str, list[Cell]]:
    """All cells of all views, by type."""
    found: dict[str, list[Cell]] = {}
    for view in NAMES:
        columns = place.columns(view)
        rows = place.rows(f"SELECT * FROM {relation_of(view)}") if columns else []
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            found.setdefault(column.type, []).extend(values)
    return found


@pytest.mark.parametrize("view", NAMES)
def test_a_view_has_rows(place: Place, view: str) -> None:
    assert place.rows(f"SELECT count() > 0 FROM {relation_of(view)}") == [["1"]]


def test_whatever_may_be_null_is_so_somewhere_and_elsewhere_not(cells: dict[str, list[Cell]]) -> None:
    nullable = {type_: set(values) for type_, values in cells.items() if type_.startswith("Nullable")}
    assert len(nullable) >= 5
    assert [type_ for type_, values in nullable.items() if None not in values or len(values) == 1] == []


def test_there_are_odd_texts_and_numbers_that_no_float_holds(cells: dict[str, list[Cell]]) -> None:
    assert ODD_ID in cells["String"]
    assert str(ODD_MINOR) in cells["Int64"]
    assert int(float(ODD_MINOR)) != ODD_MINOR
    assert any(int(value or 0) < 0 for value in cells["Int64"])
    assert str(ODD_MINOR) in cells["UInt64"]


def test_there_are_instants_with_milliseconds_and_without(cells: dict[str, list[Cell]]) -> None:
    instants = chain(cells["DateTime64(3, 'UTC')"], cells["Nullable(DateTime64(3, 'UTC'))"])
    assert {str(instant)[-4:] == ".000" for instant in instants} == {True, False}
