"""Names to types, amounts to minor units."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.collector.money import to_minor
from streams.collector.names import says_it_all, snake_case, without_domain


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("Product Viewed", "product_viewed"),
        ("productViewed", "product_viewed"),
        ("HTTPError seen", "http_error_seen"),
        ("  Signed-Up!  ", "signed_up"),
        ("2nd Visit", "event_2nd_visit"),
        ("x" * 70, "x" * 64),
        ("訪問", ""),
    ],
)
def test_names_become_snake_case(name: str, event_type: str) -> None:
    assert snake_case(name) == event_type


@given(st.text())
def test_any_name_becomes_a_type_or_nothing(name: str) -> None:
    assert re.fullmatch("([a-z][a-z0-9_]{0,63})?", snake_case(name))


def test_a_type_that_lost_letters_says_so() -> None:
    assert says_it_all("Product Viewed")
    assert not says_it_all("Über uns")
    assert not says_it_all("x" * 65)


@pytest.mark.parametrize(
    ("cloud_type", "name"),
    [
        ("com.example.shop.product_viewed", "product_viewed"),
        ("com.example.OrderCompleted.v2", "OrderCompleted"),
        ("product_viewed", "product_viewed"),
        ("v1", "v1"),
        ("...", ""),
    ],
)
def test_the_domain_of_a_cloud_event_type_is_cut_off(cloud_type: str, name: str) -> None:
    assert without_domain(cloud_type) == name


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (19.99, "EUR", 1999),
        (0.1 + 0.2, "EUR", 30),
        (1.005, "EUR", 101),
        (-0.5, "JPY", -1),
        ("12.50", "USD", 1250),
        (1500, "JPY", 1500),
        ("1.234", "KWD", 1234),
        (1, "CLF", 10_000),
        (10**30, "EUR", None),
        ("1e999999", "EUR", None),
        (float("inf"), "EUR", None),
        ("NaN", "EUR", None),
        ("twelve", "EUR", None),
        (True, "EUR", None),
        (None, "EUR", None),
        ([], "EUR", None),
    ],
)
def test_amounts_become_minor_units_exactly(amount: object, currency: str, minor: int | None) -> None:
    assert to_minor(amount, currency) == minor


@given(st.integers(0, 10**12))
def test_every_cent_survives_being_a_float(cents: int) -> None:
    assert to_minor(cents / 100, "EUR") == cents


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(to_minor(text, "EUR"), (int, type(None)))
