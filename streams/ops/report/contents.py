"""Which figures make which section of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from streams.ops.report import tables
from streams.ops.report.formats import share
from streams.ops.report.periods import Grain, label
from streams.ops.report.plotting import ended, is_chart, labelled, labels, lines, series
from streams.ops.report.reading import Figures
from streams.ops.report.sections import (
    Column,
    Headline,
    Headlines,
    Lines,
    Report,
    Row,
    Section,
    Series,
    Stacks,
)

_HEADLINES: Final = ("customers_end", "retention_rate_pct", "retention_strict_pct", "churn_gross_pct")
_NOT_AT_A_PAST_DATE: Final = "These figures hold now only: leave --as-of out to see them."


def report(figures: Figures) -> Report:
    """All sections, in the order in which they are read."""
    return Report(
        title="Customer retention",
        facts=_facts(figures),
        headlines=_headlines(figures),
        sections=(
            _retention(figures),
            _cohorts(figures),
            _lifecycle(figures),
            _repeat_purchase(figures),
            _gaps(figures),
            _at_risk(figures),
            _nps(figures),
            _csat(figures),
            _handovers(figures),
            _goals(figures),
        ),
    )


def _facts(figures: Figures) -> tuple[str, ...]:
    scope = figures.scope
    now = f"{scope.as_of:%Y-%m-%d %H:%M} UTC"
    at = f"as of {now}"
    if scope.past is not None:
        at = f"as of the end of {scope.past} (UTC): what had ended by then, by all that is known at {now}"
    first, last = (label(figures.retention[n]["period_start"], scope.grain) for n in (0, -1))
    span = first if first == last else f"{first} to {last}"
    return at, f"{span}, by {scope.grain.value}", f"retention by {scope.basis.value}"


def _headlines(figures: Figures) -> Headlines | None:
    complete = [row for row in figures.retention if row["is_complete"]]
    if not complete:
        return None
    grain = figures.scope.grain
    return Headlines(
        f"{label(complete[-1]['period_start'], grain)}, the last {grain.value} that has ended",
        tuple(
            Headline(column.heading, column.show(complete[-1][column.key]), column.meaning)
            for column in _meant("v_retention_period", tables.RETENTION, figures)
            if column.key in _HEADLINES
        ),
    )


def _retention(figures: Figures) -> Section:
    rows = labelled(figures.retention, "period_start", figures.scope.grain, figures.scope)
    columns = _meant("v_retention_period", tables.RETENTION, figures)
    rates = lines(rows, columns, "retention_rate_pct", "retention_strict_pct")
    held = lines(rows, columns, "customers_end")
    return Section(f"Retention by {figures.scope.basis.value}", columns, rows, charts=rates + held)


def _cohorts(figures: Figures) -> Section:
    """One row per cohort; the column `k` is the share that came back in the k-th period after the first."""
    grain = figures.scope.grain
    by_start: dict[date, dict[int, Row]] = {}
    for row in figures.cohorts:
        by_start.setdefault(row["cohort_start"], {})[row["k"]] = row
    n_columns = max((k for row in figures.cohorts for k in [row["k"]] if row["is_complete"]), default=0) + 1
    rows = [
        {
            "period_start": start,
            "size": cohort[0]["size"],
            **{str(k): row["on_pct"] for k, row in cohort.items()},
        }
        for start, cohort in by_start.items()
    ]
    meaning = figures.meanings["v_retention_cohort", "on_pct"]
    shares = (
        Column(str(k), str(k), share, is_share=True, meaning=f"k = {k}: {meaning}") for k in range(n_columns)
    )
    columns = (*_meant("v_retention_cohort", tables.COHORT, figures), *shares)
    return Section(
        f"Cohorts by {figures.scope.basis.value}",
        columns,
        labelled(rows, "period_start", grain, figures.scope),
        note=f"0, 1, 2 … {grain.value}s after the first one: {meaning}." if rows else "No cohorts yet.",
    )


def _lifecycle(figures: Figures) -> Section:
    rows = labelled(figures.lifecycle, "period_start", figures.scope.lifecycle_grain, figures.scope)
    columns = _meant("v_lifecycle", tables.LIFECYCLE, figures)
    above = series(rows, columns, "returning", "resurrecting", "new")
    stacks = Stacks(labels(rows), above, below=series(rows, columns, "dormant"))
    return Section("Lifecycle by engagement", columns, rows, charts=(stacks,) if is_chart(rows) else ())


def _repeat_purchase(figures: Figures) -> Section:
    columns = _meant("v_repeat_purchase", tables.REPEAT_PURCHASE, figures)
    note = "" if figures.scope.past is None else _NOT_AT_A_PAST_DATE
    return Section("Repeat purchase", columns, tuple(figures.repeat_purchase), note)


def _gaps(figures: Figures) -> Section:
    note = (
        "Between purchase days of the same customer. Who is at risk is told by the population gap in force "
        "(churn.population_gap_days in the rules): set it near the median."
    )
    return Section("Days between purchases", tables.GAPS, (figures.gaps,), note)


def _at_risk(figures: Figures) -> Section:
    note = "" if figures.at_risk else "Nobody."
    if figures.scope.past is not None:
        note = _NOT_AT_A_PAST_DATE
    return Section("At risk", _meant("v_at_risk", tables.AT_RISK, figures), tuple(figures.at_risk), note)


def _nps(figures: Figures) -> Section:
    rows = labelled(figures.nps, "quarter_start", Grain.QUARTER, figures.scope)
    columns = _meant("v_nps", tables.NPS, figures)
    note = "" if rows else "No answers yet."
    return Section("Net promoter score", columns, rows, note, lines(rows, columns, "nps"))


def _csat(figures: Figures) -> Section:
    rows = labelled(figures.csat, "month_start", Grain.MONTH, figures.scope)
    columns = _meant("v_csat", tables.CSAT, figures)
    return Section("Customer satisfaction", columns, rows, "" if rows else "No answers yet.")


def _handovers(figures: Figures) -> Section:
    """The newest month as a table, those that have ended as lines."""
    rows = labelled(figures.handovers, "month_start", Grain.MONTH, figures.scope)
    columns = _meant("v_channel_handover", tables.HANDOVER, figures)
    if not rows:
        return Section("Channel hand-over", columns, (), "No customer has gone from channel to channel yet.")
    newest = tuple(row for row in rows if row["month_start"] == rows[-1]["month_start"])
    pairs: dict[str, dict[str, int]] = {}
    for row in ended(rows):
        by_month = pairs.setdefault(f"{row['from_channel']} → {row['to_channel']}", {})
        by_month[row["period"]] = row["handovers"]
    months = tuple(dict.fromkeys(row["period"] for row in ended(rows)))
    plotted = tuple(
        Series(pair, tuple(n.get(month, 0) for month in months)) for pair, n in sorted(pairs.items())
    )
    charts = (Lines(months, plotted),) if len(months) > 1 else ()
    return Section(f"Channel hand-over, {newest[0]['period']}", columns, newest, charts=charts)


def _goals(figures: Figures) -> Section:
    note = "" if figures.goals else "None has been set: `engage goal add`."
    if figures.scope.past is not None:
        note = _NOT_AT_A_PAST_DATE
    return Section("Goals", _meant("v_goals", tables.GOALS, figures), tuple(figures.goals), note)


def _meant(view: str, columns: Sequence[Column], figures: Figures) -> tuple[Column, ...]:
    """The columns with the view's comments as their meanings."""
    return tuple(replace(c, meaning=figures.meanings.get((view, c.key), c.meaning)) for c in columns)
