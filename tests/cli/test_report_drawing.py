"""Scales, sparklines, numbers and charts, without a server."""

from __future__ import annotations

import io
from datetime import date
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.cli.report_screen import report_screen
from streams.cli.sparkline import sparkline
from streams.ops.report.charts import svg
from streams.ops.report.formats import FINEST, count, duration, number, percent_of_one, share, tenths, text
from streams.ops.report.periods import Grain, label, period_of
from streams.ops.report.scale import scale
from streams.ops.report.sections import Column, Format, Lines, Report, Section, Series, Stacks


@given(st.lists(st.floats(-1e9, 1e9) | st.integers(-100, 100), min_size=1), st.sampled_from((count, tenths)))
def test_a_scale_holds_every_value_between_a_few_ticks_that_look_different(
    values: list[float], show: Format
) -> None:
    made = scale(values, FINEST[show])
    assert len({show(tick) for tick in made.ticks}) == len(made.ticks)
    assert (made.low, made.high) == (made.ticks[0], made.ticks[-1])
    assert 2 <= len(made.ticks) <= 7
    assert all(-1e-6 <= made.share(value) <= 1 + 1e-6 for value in values)


def test_ticks_are_multiples_of_1_2_or_5() -> None:
    assert scale([82.3, 100], 0.1).ticks == (80, 85, 90, 95, 100)
    assert scale([0, 709], 1).ticks == (0, 200, 400, 600, 800)
    assert scale([-154, 595], 1).ticks == (-200, 0, 200, 400, 600)
    assert scale([7], 1).ticks == (6, 7, 8)
    assert scale([0, 2], 1).ticks == (0, 1, 2)


def test_a_sparkline_goes_from_the_lowest_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([None, 5, 5, None]) == " ▁▁ "
    assert sparkline([]) == ""


@pytest.mark.parametrize(
    ("show", "value", "shown"),
    [
        (count, 1234567, "1,234,567"),
        (tenths, 1234.56, "1,234.6"),
        (tenths, -0.04, "0.0"),
        (number, 1200.0, "1,200"),
        (number, 12.346, "12.35"),
        (number, -0.001, "0"),
        (percent_of_one, -0.001, "0 %"),
        (percent_of_one, 12.345, "1,234 %"),
        (duration, 59.4, "59 s"),
        (duration, 90, "1.5 min"),
        (duration, 5400, "1.5 h"),
        (text, "", "–"),
        *((show, None, "–") for show in (count, tenths, number, percent_of_one, duration, text)),
        (share, None, ""),
    ],
)
def test_numbers_as_people_read_them(show: Format, value: object, shown: str) -> None:
    assert show(value) == shown


def test_periods_are_named_by_their_grain() -> None:
    day = date(1998, 5, 31)
    assert [label(period_of(day, grain), grain) for grain in Grain] == [
        "1998-05-31",
        "1998-05-25",
        "1998-05",
        "1998 Q2",
    ]


def on_screen(section: Section, width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(report_screen(Report("t", (), None, (section,)), width))
    return out.getvalue()


def test_cohorts_lose_columns_in_a_narrow_terminal_and_this_is_said() -> None:
    shares = tuple(Column(str(k), str(k), share, is_share=True) for k in range(5))
    row = {"period": "1997-01", **{str(k): 10.0 * k for k in range(5)}}
    section = Section("cohorts", (Column("period", "first period", text, is_text=True), *shares), (row,))

    assert "40.0" in on_screen(section, width=52)
    narrow = " ".join(on_screen(section, width=40).split())
    assert "20.0" in narrow
    assert "30.0" not in narrow
    assert "2 columns more are on the page: --html FILE" in narrow


def test_headings_take_a_line_per_word_before_figures_fold() -> None:
    columns = tuple(Column("n", "customers held at the end") for _ in range(3))
    section = Section("retention", columns, ({"n": 1234567},))

    assert on_screen(section, width=80).count("held") == 1 * 3
    assert [
        line.count("1,234,567") for line in on_screen(section, width=40).splitlines() if "1,2" in line
    ] == [3]


def test_what_could_steer_the_terminal_is_shown_as_its_code() -> None:
    section = Section("[red]x", (Column("name", "name", text, is_text=True),), ({"name": "\x1b[2J[bold]y"},))

    shown = on_screen(section, width=80)

    assert "[red]x" in shown
    assert "\\x1b[2J[bold]y" in shown
    assert "\x1b" not in shown


def titles(chart: Lines | Stacks) -> list[str | None]:
    return [title.text for title in ElementTree.fromstring(svg(chart, "a <b> & c")).iter("title")]


def test_a_line_has_a_point_for_each_figure_that_exists() -> None:
    chart = Lines(("a", "<b>", "c"), (Series("x & y", (1.0, None, 3.0), tenths, "z < 1"),))
    assert titles(chart) == ["a: x & y 1.0\nz < 1", "c: x & y 3.0\nz < 1"]


def test_bars_stand_on_each_other_and_hang_under_the_axis() -> None:
    chart = Stacks(("a",), (Series("x", (1,)), Series("y", (2,))), (Series("z", (3,)),))
    bars = [
        (float(bar.attrib["y"]), float(bar.attrib["height"]))
        for bar in ElementTree.fromstring(svg(chart, "t")).iter("rect")
    ]
    (x_top, x_height), (y_top, y_height), (z_top, z_height) = bars
    assert y_top + y_height == pytest.approx(x_top, abs=0.1)
    assert z_top == pytest.approx(x_top + x_height, abs=0.1)
    assert [y_height / x_height, z_height / x_height] == pytest.approx([2, 3], rel=0.01)
    assert titles(chart) == ["a: x 1", "a: y 2", "a: z 3"]
