"""What a verdict has found wrong, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_EXAMPLES = 3
_EXAMPLE_CHARACTERS = 400

#: Rows by key.
Rows = Mapping[Any, Any]


class VerdictFailed(AssertionError):
    """Something was lost, counted twice or is otherwise wrong; `findings` says what."""

    def __init__(self, findings: Findings) -> None:
        super().__init__("\n".join(["", *findings.problems]))
        self.findings = findings


@dataclass
class Findings:
    """`lost` and `duplicated` count events and rejects; `wrong` counts every other difference."""

    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    problems: list[str] = field(default_factory=list)

    def missing(self, what: str, items: Iterable[Any]) -> None:
        self.lost += self._note(f"lost: {what}", items)

    def surplus(self, what: str, items: Iterable[Any]) -> None:
        self.duplicated += self._note(f"counted twice or invented: {what}", items)

    def differences(self, what: str, found: Rows, wanted: Rows) -> None:
        """Every key whose rows differ."""
        keys = sorted(
            (key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)), key=str
        )
        details = [f"{key}: found {found.get(key)}, wanted {wanted.get(key)}" for key in keys]
        self.wrong += self._note(f"wrong: {what}", details)

    def check(self, what: str, holds: bool) -> None:
        if not holds:
            self.wrong += self._note("wrong", [what])

    def raise_if_any(self) -> None:
        if self.problems:
            raise VerdictFailed(self)

    def _note(self, what: str, items: Iterable[Any]) -> int:
        found = list(items)
        if found:
            examples = "; ".join(str(item)[:_EXAMPLE_CHARACTERS] for item in found[:_EXAMPLES])
            self.problems.append(f"{what}: {len(found)}, such as {examples}")
        return len(found)
