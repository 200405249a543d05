"""A report in a terminal: tables with their formulas, and sparklines. Pure: a report in, renderables out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.cli.results import cell, plain
from streams.cli.sparkline import sparkline
from streams.ops.report.formats import NOTHING
from streams.ops.report.sections import Report, Section, Series


def report_screen(report: Report, width: int) -> RenderableType:
    """The whole report. Cohorts wider than `width` characters lose their last columns, which is said."""
    parts: list[RenderableType] = [Text(plain(report.title), style="bold"), *map(_line, report.facts)]
    if report.headlines:
        figures = " · ".join(f"{one.name} {one.value}" for one in report.headlines.figures)
        parts.append(_line(f"{report.headlines.title}: {figures}"))
    for section in report.sections:
        parts += ["", *_section(section, width)]
    return Group(*parts)


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    if not section.rows:
        yield Text(plain(section.title), style="bold")
    else:
        shown = _columns_that_fit(section, width)
        yield _table(section, shown, width)
        for heading, meaning in section.explained:
            yield Text(plain(f"{heading}: {meaning}"), style="dim")
        if shown < len(section.columns):
            yield _line(f"{len(section.columns) - shown} columns more are on the page: --html FILE")
    for chart in section.charts:
        yield from map(_sparkline, chart.series)
    if section.note:
        yield _line(section.note)


def _table(section: Section, shown: int, width: int) -> Table:
    """Headings of a table wider than `width` have a word per line; then rich folds the widest columns."""
    widths = _widths(section)[:shown]
    between = "\n" if sum(widths) >= width else " "
    made = Table(title=cell(section.title), title_justify="left", title_style="bold")
    for column in section.columns[:shown]:
        heading = Text(between.join(plain(column.heading).split()))
        made.add_column(heading, justify="left" if column.is_text else "right", overflow="fold")
    for row in section.cells:
        made.add_row(*map(cell, row[:shown]))
    return made


def _columns_that_fit(section: Section, width: int) -> int:
    """Only shares of cohorts are left out: other tables fold."""
    used = list(accumulate(_widths(section)))
    return sum(not column.is_share or end < width for column, end in zip(section.columns, used, strict=True))


def _widths(section: Section) -> list[int]:
    """Of each column with its border and padding, if nothing folds."""
    columns = zip(*section.cells, strict=True)
    return [
        max(map(len, (column.heading, *cells))) + 3
        for column, cells in zip(section.columns, columns, strict=True)
    ]


def _sparkline(series: Series) -> Text:
    known = [value for value in series.values if value is not None]
    ends = f"{series.show(min(known))} to {series.show(max(known))}" if known else NOTHING
    return Text(f"{sparkline(series.values)}  {plain(series.name)}, {ends}")


def _line(text: str) -> Text:
    return Text(plain(text))
