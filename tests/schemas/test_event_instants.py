"""`occurred_at`: which texts are instants, and which millisecond they mean."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import epoch_ms

MS_1990 = 631_152_000_000


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("1990-01-01T00:00:00Z", MS_1990),
        ("1990-01-01T00:00:00.000Z", MS_1990),
        ("1990-01-01t00:00:00z", MS_1990),
        ("1990-01-01T05:30:00+05:30", MS_1990),
        ("1989-12-31T16:00:00-08:00", MS_1990),
        ("1990-01-01T00:00:00-00:00", MS_1990),
        ("1990-01-01T00:00:00.1Z", MS_1990 + 100),
        ("1990-01-01T00:00:00.12Z", MS_1990 + 120),
        ("1990-01-01T00:00:00.1239999999999999999999999Z", MS_1990 + 123),
        ("1990-01-01T00:00:00.0009+00:00", MS_1990),
        ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("9999-12-31T23:59:59.999-23:59", 253_402_387_139_999),
    ],
)
def test_an_rfc_3339_text_is_the_millisecond_it_means(text: str, expected_ms: int) -> None:
    assert epoch_ms(text) == expected_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1795323601",
        "1795323601123",
        "2026-11-22",
        "2026-11-22T05:00:01",
        "2026-11-22T05:00:01.123",
        "2026-11-22 05:00:01Z",
        "2026-11-22T05:00Z",
        "2026-11-22T05:00:01.Z",
        "2026-11-22T05:00:01,5Z",
        "2026-11-22T05:00:01+0100",
        "2026-11-22T05:00:01+01",
        "2026-11-22T05:00:01+24:00",
        "2026-11-22T05:00:01 Z",
        "2026-11-22T05:00:01Z\n",
        " 2026-11-22T05:00:01Z",
        "20261122T050001Z",
        "2026-W47-7T05:00:01Z",
        "2026-11-31T05:00:01Z",
        "2025-02-29T05:00:01Z",
        "2026-13-01T05:00:01Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T05:60:01Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1989-12-31T23:59:59.999Z",
        "1990-01-01T00:00:00+00:01",
        "10000-01-01T00:00:00Z",
        "+2026-11-22T05:00:01Z",
        "２026-11-22T05:00:01Z",
        "2026-11-22T05:00:01.١Z",
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        epoch_ms(text)


@given(
    st.timedeltas(min_value=timedelta(days=1), max_value=timedelta(days=2_900_000)),
    st.integers(min_value=-1439, max_value=1439),
)
def test_an_instant_is_the_same_in_every_zone(since_1990: timedelta, offset_minutes: int) -> None:
    instant = datetime(1990, 1, 1, tzinfo=timezone.utc) + since_1990
    there = instant.astimezone(timezone(timedelta(minutes=offset_minutes)))
    assert epoch_ms(there.isoformat()) == MS_1990 + since_1990 // timedelta(milliseconds=1)


@given(st.text(max_size=40))
def test_arbitrary_text_raises_a_value_error_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        epoch_ms(text)
