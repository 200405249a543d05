"""What a report consists of, whoever shows it: sections of a table, its formulas and its charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.ops.report.formats import Format, count

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a view (`key`), or one made for the report; `meaning` is the view's comment on it."""

    key: str
    heading: str
    show: Format = count
    is_text: bool = False
    is_share: bool = False
    """A percentage from 0 to 100 that is shaded by its size."""
    is_explained: bool = False
    """Its meaning is printed below the table; that of the others shows on the page when pointed at."""
    meaning: str = ""


@dataclass(frozen=True)
class Series:
    """One figure over all labels of a chart; None where it does not exist."""

    name: str
    values: tuple[float | None, ...]
    show: Format = count
    meaning: str = ""


@dataclass(frozen=True)
class Lines:
    """A chart of figures that stand side by side."""

    labels: tuple[str, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Stacks:
    """A chart of counts that add up; those of `below` hang under the axis."""

    labels: tuple[str, ...]
    above: tuple[Series, ...]
    below: tuple[Series, ...]

    @property
    def series(self) -> tuple[Series, ...]:
        return (*self.above, *self.below)


Chart = Lines | Stacks


@dataclass(frozen=True)
class Section:
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    """One sentence, for example why there are no rows."""
    charts: tuple[Chart, ...] = ()

    @property
    def cells(self) -> tuple[tuple[str, ...], ...]:
        """The table as text, the same wherever it is shown."""
        return tuple(tuple(column.show(row.get(column.key)) for column in self.columns) for row in self.rows)

    @property
    def explained(self) -> tuple[tuple[str, str], ...]:
        """Headings of columns with what they mean."""
        return tuple((column.heading, column.meaning) for column in self.columns if column.is_explained)


@dataclass(frozen=True)
class Headline:
    """One figure that is worth a large font."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Headlines:
    """Figures of one period."""

    title: str
    figures: tuple[Headline, ...]


@dataclass(frozen=True)
class Report:
    title: str
    facts: tuple[str, ...]
    """What all figures go by: the instant, the grain, the basis."""
    headlines: Headlines | None
    """None while no period has ended."""
    sections: tuple[Section, ...] = field(repr=False)
