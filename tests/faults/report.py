"""Outcomes of the fault suite as a table."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_HEADER = """\
| scenario | repetitions | lost | duplicated | otherwise wrong | recovery, median s | longest s |
|---|---|---|---|---|---|---|
"""


class Outcome(NamedTuple):
    """One repetition. `error` is empty if all was well; `recovery_seconds` runs from the end of the fault
    until everything was visible and committed."""

    name: str
    seed: int
    lost: int
    duplicated: int
    wrong: int
    recovery_seconds: float
    took_seconds: float
    error: str

    @property
    def passed(self) -> bool:
        return not self.error

    def line(self) -> str:
        verdict = "ok" if self.passed else f"FAILED\n{self.error}"
        return f"{self.name}, seed {self.seed}, {self.took_seconds:.0f} s: {verdict}"


def table(outcomes: Sequence[Outcome], planned: Mapping[str, int]) -> str:
    """A Markdown table, one row per scenario, and the seeds of those that failed."""
    by_name: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_name[outcome.name].append(outcome)
    lines = [_row(name, by_name[name]) for name in planned if by_name[name]]
    failed = [f"- {outcome.name}: seed {outcome.seed}" for outcome in outcomes if not outcome.passed]
    total = (
        f"\n{len(outcomes)} repetitions, {sum(outcome.lost for outcome in outcomes)} lost, "
        f"{sum(outcome.duplicated for outcome in outcomes)} duplicated, {len(failed)} failed.\n"
    )
    return _HEADER + "".join(lines) + total + "".join(f"{line}\n" for line in failed)


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    recovery = [outcome.recovery_seconds for outcome in outcomes if outcome.passed] or [float("nan")]
    lost, duplicated, wrong = (
        sum(outcome[index] for outcome in outcomes)  # type: ignore[misc]
        for index in (2, 3, 4)
    )
    return (
        f"| {name} | {len(outcomes)} | {lost} | {duplicated} | {wrong} "
        f"| {statistics.median(recovery):.1f} | {max(recovery):.1f} |\n"
    )
