"""What an audit found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.ops.verify.compare import Disagreement


@dataclass(frozen=True)
class Report:
    """`numbers` by view. `unsettled` numbers differed at every look, but had always changed meanwhile."""

    customers: int
    numbers: Mapping[str, int]
    disagreements: Sequence[Disagreement]
    unsettled: Sequence[Disagreement]

    @property
    def summary(self) -> str:
        """One line."""
        disagreements = _counted(len(self.disagreements), "disagreement")
        numbers = _counted(sum(self.numbers.values()), "number")
        return f"{disagreements} in {numbers} of {_counted(self.customers, 'customer')}"

    def as_json(self) -> dict[str, Any]:
        """What a program reads: values as JSON has them, others as text."""
        return {
            "customers": self.customers,
            "numbers": dict(self.numbers),
            "disagreements": [_object(found) for found in self.disagreements],
            "unsettled": [_object(found) for found in self.unsettled],
        }


def line(found: Disagreement) -> str:
    """One line: view, key, column, both values, and the cause if it is known."""
    key = ", ".join(f"{name}={value}" for name, value in found.key)
    cause = f" ({found.cause})" if found.cause else ""
    return (
        f"{found.view} [{key}] {found.column}: published {_text(found.published)}, "
        f"recomputed {_text(found.recomputed)}{cause}"
    )


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value)


def _object(found: Disagreement) -> dict[str, Any]:
    return {**found._asdict(), "key": dict(found.key)}
