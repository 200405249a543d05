"""Values as people read them."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from streams.cli.demo_screen import Seen, one_line, screen
from streams.cli.display import instant, money, orders_table, windows_table
from streams.cli.results import cell, plain
from streams.ops.demo_counts import Counts, problems
from streams.ops.demo_load import Tally
from streams.ops.snapshot import Snapshot
from streams.ops.visibility import latency

ORDER = {
    "customer_id": "[red]c-1",
    "order_id": "o\x1b[2J",
    "ordered_at": datetime(2026, 11, 22, 5, 0, 1, tzinfo=timezone.utc),
    "currency": "EUR",
    "total_minor": 250000,
    "refunded_minor": 50,
    "net_minor": 249950,
    "status": "partly_refunded",
}
CUSTOMER = {
    "customer_id": "c-[bold]9",
    "preferred_channel": "chat",
    "score": 71.25,
    "events_1h": 1,
    "events_24h": 22,
    "events_7d": 333,
    "events_30d": 4444,
    "orders_total": 3,
    "revenue_minor_total": 1999,
    "currency": "USD",
}


def shown(renderable: RenderableType, width: int = 200) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


# -- single values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, "EUR", "1,234.50 EUR"),
        (5, "USD", "0.05 USD"),
        (-1999, "EUR", "-19.99 EUR"),
        (123450, "JPY", "123,450 JPY"),
        (123450, "KWD", "123.450 KWD"),
        (0, "EUR", "0.00 EUR"),
        (0, None, "–"),
        (None, "EUR", "–"),
    ],
)
def test_money_is_an_amount_in_major_units(minor: int | None, currency: str | None, text: str) -> None:
    assert money(minor, currency) == text


def test_an_instant_is_utc_to_the_second() -> None:
    two_hours_east = timezone(timedelta(hours=2))

    assert instant(datetime(2026, 11, 22, 7, 0, 1, 999_000, two_hours_east)) == "2026-11-22 05:00:01"
    assert instant(datetime(2026, 11, 22, 5, 0, 1)) == "2026-11-22 05:00:01"  # noqa: DTZ001 - as drivers return it
    assert instant(None) == "–"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\rd\0", "a\\nb\\tc\\rd\\x00"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2028", "\\u2028"),
        ("\udcff", "\\udcff"),
        ('o\'dd "é" 😀 👩‍👧 \\n', 'o\'dd "é" 😀 👩‍👧 \\n'),
    ],
)
def test_what_could_steer_a_terminal_is_shown_as_its_code(text: str, harmless: str) -> None:
    assert plain(text) == harmless


@given(st.text())
def test_any_text_can_be_printed_on_one_line(text: str) -> None:
    printed = plain(text)

    assert len(f"<{printed}>".splitlines()) == 1
    assert printed.encode().decode() == printed
    assert plain(printed) == printed


def test_markup_in_a_value_is_not_obeyed() -> None:
    assert shown(cell("[red]x[/red] :smile:")) == "[red]x[/red] :smile:\n"
    assert shown(cell(None)) == "–\n"


# -- tables ------------------------------------------------------------------------------------------


def test_windows_are_columns_and_channels_are_rows() -> None:
    rows = [
        {"channel": "purchase", "window_name": "90d", "events": 1, "points": 15.0},
        {"channel": "website", "window_name": "1h", "events": 1200, "points": None},
        {"channel": "website", "window_name": "7d", "events": 1300, "points": 2.5},
    ]

    lines = [line for line in shown(windows_table(rows)).splitlines() if line.startswith("│")]

    assert [[value.strip() for value in line.split("│")[1:-1]] for line in lines] == [
        ["website", "1,200", "–", "1,300 (2.5)", "–", "–"],
        ["purchase", "–", "–", "–", "–", "1 (15)"],
    ]


def test_orders_are_shown_with_their_customer_where_there_are_many() -> None:
    alone = shown(orders_table("orders", [ORDER]))
    of_all = shown(orders_table("orders", [ORDER], with_customer=True))

    assert "[red]c-1" not in alone
    assert "│ [red]c-1 │ o\\x1b[2J │ partly_refunded │ 2,500.00 EUR │ 2,499.50 EUR │" in of_all


# -- the demonstration -------------------------------------------------------------------------------


def seen() -> Seen:
    channels = [{"channel": "chat", "events_1h": 5, "events_24h": 6, "events_90d": 1234}]
    snapshot = Snapshot(channels, [CUSTOMER], [ORDER], {"not_json": 2, "null_value": 1}, 0.25)
    return Seen(snapshot, Tally(distinct=1300, duplicates=40), 7.0, events_per_second=49.6, left=12)


def test_the_screen_tells_everything_at_once() -> None:
    text = shown(screen(seen()))

    for part in (
        "1,234 events visible",
        "50 events/s",
        "newest 0.2 s ago",
        "12 records not committed yet",
        "3 rejected",
        "sent 1,300 events, 40 of them twice",
        "not_json",
        "c-[bold]9",
        "4,444",
        "71.2",
        "19.99 USD",
        "o\\x1b[2J",
        "Ctrl-C stops everything",
    ):
        assert part in text


def test_the_screen_says_where_the_live_page_is() -> None:
    assert "http://127.0.0.1:8088/" in shown(screen(seen()._replace(dashboard="http://127.0.0.1:8088/")))
    assert "live page" not in shown(screen(seen()))


def test_before_the_first_event_nothing_is_made_up() -> None:
    nothing = Seen(Snapshot([], [], [], {}, None), Tally(), 0.0)

    assert one_line(nothing).startswith("0 events visible · – events/s · newest – ago · 0 records")
    assert shown(screen(nothing))


def test_why_figures_are_old_is_said() -> None:
    assert one_line(seen()._replace(note="ClickHouse is away\x1b")).endswith(" · ClickHouse is away\\x1b")


SENT = Tally(distinct=100, duplicates=5)
SENT.bad.update(not_json=2)
RIGHT = Counts(
    facts=103,
    event_ids=103,
    customers=20,
    rejected={"not_json": 2},
    orders=[("EUR", 4, 19990)],
    total_counted_events=1000,
    total_facts=1000,
    total_counted_orders=40,
    total_orders=40,
)


def test_counts_that_add_up_are_no_problem() -> None:
    assert problems(SENT, 3, RIGHT) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"facts": 102}, "events visible: 102, not 103"),
        ({"event_ids": 101}, "different event ids visible: 101, not 103"),
        ({"rejected": {}}, "records rejected, by reason,: {}, not {'not_json': 2}"),
        ({"total_counted_events": 1001}, "events counted for customers (all runs): 1001, not 1000"),
        ({"total_counted_orders": 39}, "orders counted for customers (all runs): 39, not 40"),
    ],
)
def test_a_count_that_does_not_add_up_is_named(change: dict[str, object], line: str) -> None:
    assert problems(SENT, 3, RIGHT._replace(**change)) == [line]  # type: ignore[arg-type]


def test_latency_is_given_as_median_and_95th_percentile() -> None:
    assert latency([number / 100 for number in range(101)]) == (101, 0.5, 0.95)
    assert latency([1.0, 1.0]) == (2, 1.0, 1.0)
