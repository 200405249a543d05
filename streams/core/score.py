"""Points of a day and the engagement score.

Source: metric dictionary, "Engagement score": weighted activities with a daily cap per type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Final

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from schemas.fields import EventType

# Bounds keep every sum of points a finite number, in Python and in SQL.
Points = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
DailyCap = Annotated[int, Field(ge=1, le=1_000_000)]
HalfPoint = Annotated[float, Field(ge=0.001, le=1e9, allow_inf_nan=False)]
_CONFIG: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_CONFIG)
class Weight:
    """What one event of a type is worth, and how many of them a day count at most."""

    points: Points
    daily_cap: DailyCap


_DEFAULTS: Final = {
    "page_viewed": Weight(1, 20),
    "product_viewed": Weight(2, 20),
    "search_performed": Weight(1, 10),
    "form_submitted": Weight(5, 3),
    "product_added": Weight(4, 10),
    "conversation_started": Weight(6, 3),
    "message_sent": Weight(2, 20),
    "order_completed": Weight(15, 3),
    "survey_answered": Weight(5, 2),
    "referral_made": Weight(10, 2),
}


@dataclass(frozen=True, config=_CONFIG)
class ScoreRules:
    """Weights by event type; `other` holds for every engagement event without a weight of its own.

    Raw points of `half_point` make a score of 50.
    """

    weights: Mapping[EventType, Weight] = field(default_factory=lambda: dict(_DEFAULTS))
    other: Weight = Weight(1, 10)
    half_point: HalfPoint = 50.0


DEFAULT_RULES: Final = ScoreRules()


def points(counts: Mapping[str, int], rules: ScoreRules = DEFAULT_RULES) -> float:
    """Points of one (day, channel): the sum over types of weight times capped count.

    `counts` holds engagement events only, by type.
    """
    total = 0.0
    for event_type, count in counts.items():
        weight = rules.weights.get(event_type, rules.other)
        total += weight.points * min(count, weight.daily_cap)
    return total


def score(raw: float, rules: ScoreRules = DEFAULT_RULES) -> float:
    """The 0-100 score of the points of the last 30 day buckets: `100 · (1 − 2^(−raw / half_point))`."""
    share: float = 1.0 - 2.0 ** (-raw / rules.half_point)
    return round(100.0 * share, 1)
