"""`engage report`: the CDNOW sample's numbers in terminal and page, and what a page may contain."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Clock, Settings, load_settings
from streams.migrations import migrate
from tests.cli.commands import Engage
from tests.cli.pages import Page, Tables, tables_of_text
from tests.sql.goals import set_goals
from tests.sql.scenario import UTC, Event, at, insert_facts, insert_rows, order

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "cdnow" / "CDNOW_sample.txt"
SCRIPT = "<script>alert('x')</script>"
Rendered = Callable[..., Tables]


# -- the numbers of the CDNOW sample -----------------------------------------------------------------


@pytest.fixture(scope="module")
def cdnow(clickhouse_front: str) -> Settings:
    if not SAMPLE.is_file():
        pytest.skip(f"CDNOW data is not at {SAMPLE}")
    settings = load_settings(clickhouse_url=f"{clickhouse_front}/report_cdnow", clock=Clock.EVENT)
    migrate(settings)
    client = connect(settings)
    events = []
    for number, line in enumerate(SAMPLE.read_text().splitlines()):
        _, customer, day, _, dollars = line.split()
        time = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        events.append(order(f"cdnow-{number}", customer, time, round(float(dollars) * 100), currency="USD"))
    insert_facts(client, events)
    insert_rows(client, events)
    rules = {"churn": {"population_gap_days": 45.5}}
    client.insert("settings", [["rules", json.dumps(rules)]], column_names=["key", "value"])
    start, due = at("1998-06-01 00:00:00").date(), at("1998-12-31 00:00:00").date()
    set_goals(client, ("mau", "mau", "all", 100.5, 1200, start, due))
    client.close()
    return settings


@pytest.fixture(params=["terminal", "page"])
def rendered(
    request: pytest.FixtureRequest, engage: Engage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Rendered:
    """Runs the command, once for each way to show a report, and reads the tables back."""

    def run(settings: Settings, *options: str) -> Tables:
        monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", settings.clickhouse_url)
        if request.param == "terminal":
            ended = engage("report", *options)
            assert (ended.status, ended.err) == (0, "")
            return tables_of_text(ended.out)
        file = tmp_path / "report.html"
        ended = engage("report", *options, "--html", str(file))
        assert (ended.status, ended.out, ended.err) == (0, "", f"wrote {file}\n")
        return Page(file.read_text()).tables

    return run


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    client = connect(settings)
    rows = list(client.query(sql).result_rows)
    client.close()
    return rows


def counts(values: tuple[int, ...]) -> list[str]:
    return [f"{value:,}" for value in values]


def rates(values: tuple[float | None, ...]) -> list[str]:
    return ["–" if value is None else f"{value:.1f}" for value in values]


def month(row: tuple[Any, ...]) -> str:
    return f"{row[0]:%Y-%m}" + (" so far" if row[0] == datetime(1998, 6, 1).date() else "")  # noqa: DTZ001


def test_retention_of_each_month_is_that_of_the_view(cdnow: Settings, rendered: Rendered) -> None:
    rows = ask(
        cdnow,
        "SELECT * EXCEPT (grain, basis, is_complete) FROM v_retention_period"
        " WHERE grain = 'month' AND basis = 'purchase' ORDER BY period_start",
    )
    assert len(rows) == 18
    assert rendered(cdnow)["Retention by purchase"] == [
        [month(row), *counts(row[1:5]), *rates(row[5:])] for row in rows
    ]


def test_cohorts_are_those_of_the_view(cdnow: Settings, rendered: Rendered) -> None:
    rows = ask(
        cdnow,
        "SELECT cohort_start, size, on_pct FROM v_retention_cohort"
        " WHERE grain = 'month' AND basis = 'purchase' AND is_complete ORDER BY cohort_start, k",
    )
    cohorts = [(key, [row[2] for row in group]) for key, group in groupby(rows, itemgetter(0, 1))]
    shown = rendered(cdnow)["Cohorts by purchase"]
    assert shown == [
        [month(key), *counts(key[1:]), *rates(tuple(shares)), *[""] * (17 - len(shares))]
        for key, shares in cohorts
    ]
    assert len(shown) == 3


def test_lifecycle_and_repeat_purchase_are_those_of_the_views(cdnow: Settings, rendered: Rendered) -> None:
    lifecycle = ask(
        cdnow,
        "SELECT period_start, active, new, returning, resurrecting, dormant FROM v_lifecycle"
        " WHERE grain = 'month' ORDER BY period_start",
    )
    repeat = ask(cdnow, "SELECT * FROM v_repeat_purchase")
    shown = rendered(cdnow)
    assert shown["Lifecycle by engagement"] == [[month(row), *counts(row[1:])] for row in lifecycle]
    assert shown["Repeat purchase"] == [[row[0], *counts(row[1:3]), *rates(row[3:])] for row in repeat]


def test_the_observed_gap_between_purchase_days_stands_beside_the_one_in_force(
    cdnow: Settings, rendered: Rendered
) -> None:
    days = ask(cdnow, "SELECT DISTINCT customer_id, toDate(ordered_at) FROM v_orders ORDER BY ALL")
    gaps = sorted((b[1] - a[1]).days for a, b in pairwise(days) if a[0] == b[0])
    median = (gaps[len(gaps) // 2] + gaps[(len(gaps) - 1) // 2]) / 2
    assert rendered(cdnow)["Days between purchases"] == [[f"{median:.1f}", f"{len(gaps):,}", "45.5"]]


def test_customers_at_risk_are_counted_by_status(cdnow: Settings, rendered: Rendered) -> None:
    rows = ask(cdnow, "SELECT churn_status, is_off_season FROM v_at_risk")
    assert rendered(cdnow)["At risk"] == [
        [status, f"{rows.count((status, 0)) + rows.count((status, 1)):,}", f"{rows.count((status, 1)):,}"]
        for status in ("at_risk", "churned")
    ]


def test_goals_are_those_of_the_view(cdnow: Settings, rendered: Rendered) -> None:
    shown = rendered(cdnow)["Goals"]
    assert shown == [["mau", "mau", "all", "100.5", "138", "1,200", "1998-12-31", "3 %", "behind"]]


def test_a_past_date_shows_what_had_ended(cdnow: Settings, rendered: Rendered) -> None:
    shown = rendered(cdnow, "--as-of", "1997-09-30", "--grain", "quarter")
    assert [row[:5] for row in shown["Retention by purchase"]] == [
        ["1997 Q1", "0", "2,357", "2,357", "0"],
        ["1997 Q2", "2,357", "521", "0", "0"],
        ["1997 Q3", "521", "409", "0", "198"],
    ]
    assert "Repeat purchase" not in shown
    assert "Goals" not in shown


# -- the page ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traps(clickhouse_front: str) -> Settings:
    """A survey whose touchpoint is a script, and a goal about it."""
    settings = load_settings(clickhouse_url=f"{clickhouse_front}/report_traps", clock=Clock.EVENT)
    migrate(settings)
    client = connect(settings)
    write_traps(client)
    client.close()
    return settings


def write_traps(client: Client) -> None:
    touched = {"survey": "csat", "score": 5, "touchpoint": SCRIPT}
    events = [
        Event("a1", "c-1", "survey_answered", at("2026-02-10 12:00:00"), "chat", properties=touched),
        order("o1", "c-1", at("2026-02-10 13:00:00"), 100),
        Event("v1", "c-1", "page_viewed", at("2026-03-10 12:00:00")),
        Event("v2", "c-1", "page_viewed", at("2026-04-10 12:00:00")),
    ]
    insert_facts(client, events)
    insert_rows(client, events)
    start, due = at("2026-03-01 00:00:00").date(), at("2026-12-31 00:00:00").date()
    set_goals(client, ("csat", "csat_pct", SCRIPT, 1, 2, start, due))


@pytest.fixture
def page(traps: Settings, engage: Engage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", traps.clickhouse_url)
    engage("report", "--html", str(tmp_path / "report.html"))
    return (tmp_path / "report.html").read_text()


def test_a_customers_text_stays_text(traps: Settings, rendered: Rendered) -> None:
    shown = rendered(traps)
    assert shown["Customer satisfaction"] == [["2026-02", SCRIPT, "1", "100.0"]]
    assert [row[2] for row in shown["Goals"]] == [SCRIPT]


def test_the_page_runs_nothing_and_asks_nobody(page: str) -> None:
    read = Page(page)
    assert "<script" not in page
    assert "//" not in page
    assert {name for _, name, _ in read.attributes} & {"src", "href", "srcset", "style", "action"} == set()
    assert [name for _, name, _ in read.attributes if name.startswith("on")] == []
    assert re.search(r"url\(|@import", page) is None


def test_the_pages_policy_admits_its_style_and_nothing_else(page: str) -> None:
    (style,) = Page(page).texts["style"]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert ("meta", "content", f"default-src 'none'; style-src 'sha256-{digest}'") in Page(page).attributes


def test_charts_tell_figures_and_formulas_when_pointed_at(page: str) -> None:
    charts = [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)]
    assert len(charts) == 3
    told = [title.text for title in charts[0].iter("title")]
    formula = "(customers_end - customers_new) / customers_start * 100"
    assert told[0] == f"2026-03: retention % 100.0\n{formula}"
    headings = dict(re.findall(r'title="([^"]*)">([^<]*)</th>', page))
    assert headings[formula] == "retention %"


def test_a_page_that_cannot_be_written_is_one_line(
    traps: Settings, engage: Engage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", traps.clickhouse_url)
    ended = engage("report", "--html", str(tmp_path / "nowhere" / "report.html"))
    assert (ended.status, ended.out) == (1, "")
    assert re.fullmatch(r"engage: cannot write \S+/report.html: No such file or directory\n", ended.err)


@pytest.mark.usefixtures("clickhouse")
def test_an_empty_database_is_one_line(engage: Engage) -> None:
    ended = engage("report")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("engage: nothing to report yet, as there are no events: send some")
    assert ended.err.count("\n") == 1
