"""Points with daily caps, and the score of 0 to 100."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.score import ScoreRules, Weight, points, score
from tests.core.oracle import WEIGHTS


@pytest.mark.parametrize(("event_type", "weight_and_cap"), WEIGHTS.items())
def test_every_type_earns_its_weight_up_to_its_daily_cap(
    event_type: str, weight_and_cap: tuple[int, int]
) -> None:
    weight, cap = weight_and_cap

    assert points({event_type: 1}) == weight
    assert points({event_type: cap}) == weight * cap
    assert points({event_type: cap + 1}) == weight * cap


def test_a_type_without_a_weight_earns_one_point_ten_times_a_day() -> None:
    assert points({"loyalty_card_scanned": 4}) == 4
    assert points({"loyalty_card_scanned": 11, "order_refunded": 11}) == 20


def test_caps_hold_per_type_not_for_the_day() -> None:
    assert points({"form_submitted": 9, "order_completed": 9, "page_viewed": 1}) == 5 * 3 + 15 * 3 + 1


def test_a_day_without_engagement_earns_nothing() -> None:
    assert points({}) == 0


def test_other_rules_can_be_given() -> None:
    rules = ScoreRules({"page_viewed": Weight(0.5, 2)}, other=Weight(3, 1), half_point=10)

    assert points({"page_viewed": 9, "search_performed": 9}, rules) == 4
    assert score(10, rules) == 50


@pytest.mark.parametrize(
    ("raw", "expected"), [(0, 0), (1, 1.4), (25, 29.3), (50, 50), (100, 75), (500, 99.9)]
)
def test_the_score_halves_its_distance_to_100_with_every_50_points(raw: float, expected: float) -> None:
    assert score(raw) == expected


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_points_never_lower_the_score(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert 0 <= score(low) <= score(high) <= 100


@given(st.dictionaries(st.sampled_from([*WEIGHTS, "other_1", "other_2"]), st.integers(1, 60)))
def test_points_add_up_over_types(counts: dict[str, int]) -> None:
    assert points(counts) == sum(points({event_type: count}) for event_type, count in counts.items())
