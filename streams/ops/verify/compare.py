"""Published rows beside recomputed ones. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

#: Instead of a column: how often a row is there.
ROWS: Final = "rows"
_TOLERANCE: Final = 1e-9


class Disagreement(NamedTuple):
    """A number that is published otherwise than the facts say.

    `key` names the row: (column, value) pairs. Where one side lacks the row, or has it several times,
    `column` is `rows` and the values are how many there are.
    """

    view: str
    key: tuple[tuple[str, Any], ...]
    column: str
    published: Any
    recomputed: Any
    cause: str = ""

    @property
    def place(self) -> tuple[Any, ...]:
        """Which number this is, whatever its values."""
        return self.view, self.key, self.column


class Table(NamedTuple):
    """Rows of a query; of one without rows the columns are not known."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def by_key(self, key: Sequence[str], columns: Sequence[str]) -> tuple[dict[Any, Any], Counter[Any]]:
        """Rows with these columns by their key, and how often each key is there."""
        if not self.rows:
            return {}, Counter()
        key_places = [self.columns.index(name) for name in key]
        places = [self.columns.index(name) for name in columns]
        keys = [tuple(row[place] for place in key_places) for row in self.rows]
        values = (tuple(row[place] for place in places) for row in self.rows)
        return dict(zip(keys, values, strict=True)), Counter(keys)


class Comparison(NamedTuple):
    """How many numbers were compared, and those that differ."""

    numbers: int
    disagreements: list[Disagreement]


def compare(view: str, key: Sequence[str], published: Table, recomputed: Table) -> Comparison:
    """Compare the columns that were recomputed, row by row; floats to 9 digits."""
    columns = [name for name in recomputed.columns or published.columns if name not in key]
    shown, n_shown = published.by_key(key, columns)
    true, n_true = recomputed.by_key(key, columns)
    found = [
        Disagreement(view, tuple(zip(key, row, strict=True)), *difference)
        for row in {**shown, **true}
        for difference in _differences(columns, shown.get(row), true.get(row), n_shown[row], n_true[row])
    ]
    return Comparison(len(columns) * (n_shown | n_true).total(), found)


def _differences(
    columns: Sequence[str], shown: Any, true: Any, n_shown: int, n_true: int
) -> Iterator[tuple[str, Any, Any]]:
    if n_shown != n_true:
        yield ROWS, n_shown, n_true
    elif shown != true:
        for column, published, recomputed in zip(columns, shown, true, strict=True):
            if not _agree(published, recomputed):
                yield column, published, recomputed


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(a == b)
