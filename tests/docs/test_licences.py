"""What is handed on with the product may be."""

from __future__ import annotations

from tests.licences import ALLOWED, VENDOR, licences, needed, vendored


def test_everything_that_the_product_needs_has_a_licence_on_the_list() -> None:
    refused = {name: licences(package) - ALLOWED for name, package in needed().items()}

    assert {name: said for name, said in refused.items() if said} == {}


def test_the_list_reaches_what_is_needed_indirectly_and_leaves_tools_out() -> None:
    names = set(needed())

    assert {"aiokafka", "mode-streaming", "chdb-core"} <= names
    assert not names & {"pytest", "hypothesis", "ruff"}


def test_copies_of_other_peoples_files_are_on_the_list_too() -> None:
    assert [copy.name for copy in vendored()] == ["uPlot"]
    assert {copy.licence for copy in vendored()} <= ALLOWED
    assert "MIT License" in VENDOR.joinpath("uplot", "LICENSE").read_text("utf-8")
