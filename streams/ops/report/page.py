"""A report as one HTML file: no script, nothing from elsewhere, every text escaped."""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_right
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from streams.ops.report import charts
from streams.ops.report.sections import Chart, Report

_HERE: Final = Path(__file__).resolve().parent
_SHADES: Final = (0.5, 5, 10, 20, 40, 70)
"""Shares in percent from which a cohort's cell is a shade darker."""


def page(report: Report) -> str:
    """The file's text. Its content security policy admits the one style sheet inside, and nothing else."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html").render(
        report=report,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=_hash(style),
        svg=_svg,
        shade=_shade,
    )


def _hash(style: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def _svg(chart: Chart, title: str) -> Markup:
    return Markup(charts.svg(chart, title))  # noqa: S704 - made of elements, which escape their texts


def _shade(share_pct: float | None) -> int:
    """From 0, not shaded, to 6."""
    return bisect_right(_SHADES, share_pct or 0)
