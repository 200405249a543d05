"""The page about BI tools names every view."""

from __future__ import annotations

from pathlib import Path

from tests.sql.test_view_contract import VIEWS

PAGE = (Path(__file__).parents[2] / "deploy" / "bi" / "README.md").read_text()


def test_every_view_is_named() -> None:
    assert [view for view in VIEWS if f"`{view.partition('(')[0]}" not in PAGE] == []
