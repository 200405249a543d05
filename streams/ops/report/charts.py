"""Charts as SVG, made of elements, so that every text is escaped. `page.css` colours their classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from streams.ops.report.formats import FINEST, Format
from streams.ops.report.scale import Scale, scale
from streams.ops.report.sections import Chart, Lines, Series, Stacks

_WIDTH: Final = 720
_HEIGHT: Final = 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 12, 16, 36
_LABELS_SHOWN: Final = 6


def svg(chart: Chart, title: str) -> str:
    """The chart as one `<svg>` element; each mark tells its figure and formula when pointed at."""
    made = Element("svg", {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": title})
    if isinstance(chart, Lines):
        _draw_lines(made, chart)
    else:
        _draw_stacks(made, chart)
    return tostring(made, encoding="unicode")


def _draw_lines(made: Element, chart: Lines) -> None:
    show = chart.series[0].show
    known = [value for series in chart.series for value in series.values if value is not None]
    y_scale = scale(known or [0], FINEST[show])
    _axes(made, chart.labels, y_scale, show)
    for number, series in enumerate(chart.series):
        points = [
            (_x(n, len(chart.labels)), _y(y_scale, value), label, value)
            for n, (label, value) in enumerate(zip(chart.labels, series.values, strict=True))
            if value is not None
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)
        SubElement(made, "polyline", {"points": path, "class": f"line s{number}"})
        for x, y, label, value in points:
            dot = SubElement(
                made, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3", "class": f"s{number}"}
            )
            _tell(dot, label, series, value)


def _draw_stacks(made: Element, chart: Stacks) -> None:
    tops = [sum(bar) for bar in _bars(chart.above)]
    bottoms = [-sum(bar) for bar in _bars(chart.below)]
    show = chart.series[0].show
    y_scale = scale([0, *tops, *bottoms], FINEST[show])
    _axes(made, chart.labels, y_scale, lambda tick: show(abs(tick)))
    width = (_WIDTH - _LEFT - _RIGHT) / len(chart.labels)
    for n, label in enumerate(chart.labels):
        left = _LEFT + (n + 0.15) * width
        for number, series, start, stop in _stacked(chart, n):
            top, bottom = _y(y_scale, max(start, stop)), _y(y_scale, min(start, stop))
            shape = {
                "x": f"{left:.1f}",
                "y": f"{top:.1f}",
                "width": f"{0.7 * width:.1f}",
                "height": f"{bottom - top:.1f}",
            }
            bar = SubElement(made, "rect", {**shape, "class": f"s{number}"})
            _tell(bar, label, series, abs(stop - start))
    _rule(made, _y(y_scale, 0), "zero")


def _bars(all_series: Sequence[Series]) -> Iterator[list[float]]:
    return ([value or 0 for value in bar] for bar in zip(*(s.values for s in all_series), strict=True))


def _stacked(chart: Stacks, n: int) -> Iterator[tuple[int, Series, float, float]]:
    """Number, series, start and stop of each part of the n-th bar; numbers go on below the axis."""
    top = bottom = 0.0
    for number, series in enumerate(chart.above):
        yield number, series, top, (top := top + (series.values[n] or 0))
    for number, series in enumerate(chart.below, start=len(chart.above)):
        yield number, series, bottom, (bottom := bottom - (series.values[n] or 0))


def _axes(made: Element, labels: Sequence[str], y_scale: Scale, show: Format) -> None:
    for tick in y_scale.ticks:
        y = _y(y_scale, tick)
        _rule(made, y, "grid")
        text = SubElement(made, "text", {"x": str(_LEFT - 8), "y": f"{y + 4:.1f}", "class": "tick y"})
        text.text = show(tick)
    every = -(-len(labels) // _LABELS_SHOWN)
    for n, label in enumerate(labels[::every]):
        x = _x(n * every, len(labels))
        text = SubElement(made, "text", {"x": f"{x:.1f}", "y": str(_HEIGHT - 8), "class": "tick x"})
        text.text = label


def _rule(made: Element, y: float, kind: str) -> None:
    ends = {"x1": str(_LEFT), "x2": str(_WIDTH - _RIGHT), "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
    SubElement(made, "line", {**ends, "class": kind})


def _x(n: int, of: int) -> float:
    """The middle of the n-th of equal columns."""
    return _LEFT + (n + 0.5) * (_WIDTH - _LEFT - _RIGHT) / of


def _y(y_scale: Scale, value: float) -> float:
    return _HEIGHT - _BOTTOM - y_scale.share(value) * (_HEIGHT - _TOP - _BOTTOM)


def _tell(mark: Element, label: str, series: Series, value: float) -> None:
    meaning = f"\n{series.meaning}" if series.meaning else ""
    SubElement(mark, "title").text = f"{label}: {series.name} {series.show(value)}{meaning}"
