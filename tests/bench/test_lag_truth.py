"""What was true is told from append times and commits, drawn by hand."""

from __future__ import annotations

from tests.bench.lag_truth import Truth

#                    0 ms    1,000    2,000    3,000    4,000
# appended             o0       o1                o2
# committed                        1 (at 1,500)        3 (at 3,500)
TRUTH = Truth(
    appended_at_ms=[0, 1_000, 3_000], offsets=[0, 1, 2], committed_at_ms=[1_500, 3_500], committed=[1, 3]
)


def test_the_oldest_record_that_is_not_committed_ages() -> None:
    ages = {at_ms: TRUTH.age_seconds(at_ms) for at_ms in (0, 1_499, 1_500, 2_500, 3_499, 3_500, 9_000)}
    assert ages == {0: 0.0, 1_499: 1.499, 1_500: 0.5, 2_500: 1.5, 3_499: 2.499, 3_500: 0.0, 9_000: 0.0}


def test_a_record_is_not_late_before_it_is_appended() -> None:
    assert TRUTH._replace(appended_at_ms=[5_000, 6_000, 7_000]).age_seconds(4_000) == 0.0


def test_an_error_is_the_distance_from_what_was_true_during_the_scrape() -> None:
    assert TRUTH.error_seconds(1.2, 2_000, 2_100) == 1.2 - 1.1
    assert TRUTH.error_seconds(1.05, 2_000, 2_100) == 0.0
    assert TRUTH.error_seconds(0.5, 2_000, 2_100) == 0.5


def test_with_a_commit_during_the_scrape_both_ages_are_true_but_none_between() -> None:
    assert TRUTH.error_seconds(1.45, 1_400, 1_600) == 0.0
    assert TRUTH.error_seconds(0.55, 1_400, 1_600) == 0.0
    assert TRUTH.error_seconds(1.0, 1_400, 1_600) == 1.4 - 1.0
