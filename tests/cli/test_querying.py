"""`engage query`, `engage customer` and `engage windows` on a real engine."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from schemas.rows import (
    Customer5mRow,
    CustomerDailyRow,
    CustomerStateRow,
    EventRow,
    Row,
    column_types,
    columns,
)
from streams.cli.results import OutputFormat
from streams.clickhouse import connect
from streams.config import Settings
from streams.embedded.ports import free_ports
from streams.ops.clickhouse_client import one_line
from tests.cli.commands import Engage

ODD_ID = 'o\'dd "id" \\ {x:String} \n\t😀 [bold]\x1b[31m'
SHOWN_ID = 'o\'dd "id" \\ {x:String} \\n\\t😀 [bold]\\x1b[31m'


def insert(settings: Settings, *rows: Row) -> None:
    client = connect(settings)
    for row in rows:
        client.insert(
            row.TABLE,
            [[getattr(row, name) for name in columns(type(row))]],
            column_names=columns(type(row)),
            column_type_names=column_types(type(row)),
        )
    client.close()


@pytest.fixture(scope="module")
def customer_id(clickhouse_settings: Settings) -> str:
    """A customer with an id full of traps: an order and a product view, both a moment ago."""
    now = datetime.now(timezone.utc)
    counted = {"events": 1, "orders": 0, "conversations": 0, "messages": 0, "epoch": 0, "n_applied": 2}
    day = {"customer_id": ODD_ID, "day": now.date()}
    bucket = now.replace(minute=now.minute // 5 * 5, second=0, microsecond=0)
    insert(
        clickhouse_settings,
        CustomerStateRow(
            customer_id=ODD_ID,
            is_anonymous=0,
            first_seen_at=now,
            website_seen_at=now,
            chat_seen_at=None,
            purchase_seen_at=None,
            events_total=2,
            orders_total=1,
            epoch=0,
            n_applied=2,
            is_moved=0,
            purchase_days=1,
            first_purchase_on=now.date(),
            last_purchase_at=now,
            won_back_on=None,
        ),
        CustomerDailyRow(**day, channel="website", counts={"product_viewed": 1}, **counted),
        Customer5mRow(customer_id=ODD_ID, bucket_at=bucket, channel="website", **counted),
        event_row("e-1", "product_viewed", "website", now, {"product_id": "p"}),
        event_row(
            "e-2",
            "order_completed",
            "purchase",
            now,
            {"order_id": "o-[red]7", "total_minor": 1999, "currency": "EUR"},
        ),
    )
    return ODD_ID


def event_row(
    event_id: str, event_type: str, channel: str, at: datetime, properties: dict[str, object]
) -> EventRow:
    return EventRow(
        event_id=event_id,
        customer_id=ODD_ID,
        anonymous_id="",
        channel=channel,
        type=event_type,
        occurred_at=at - timedelta(seconds=1),
        session_id="s-1",
        source="",
        properties=json.dumps(properties),
        extra="",
        source_topic=f"events.{channel}",
        source_partition=0,
        source_offset=int(event_id[2:]),
        appended_at=at,
    )


# -- query -------------------------------------------------------------------------------------------

SQL = "SELECT 18446744073709551615 AS n, 'a\\tb' AS text, NULL AS nothing, toDate('2026-11-22') AS day"


@pytest.mark.usefixtures("clickhouse")
def test_elsewhere_than_on_a_terminal_a_query_prints_tsv(engage: Engage) -> None:
    ended = engage("query", SQL)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "n\ttext\tnothing\tday\n18446744073709551615\ta\\tb\t\\N\t2026-11-22\n"


@pytest.mark.usefixtures("clickhouse")
def test_csv_has_a_line_of_names(engage: Engage) -> None:
    ended = engage("query", SQL, "--format", "csv")

    assert ended.out == '"n","text","nothing","day"\n18446744073709551615,"a\tb",\\N,"2026-11-22"\n'


@pytest.mark.usefixtures("clickhouse")
def test_json_is_one_array_of_objects_with_exact_integers(engage: Engage) -> None:
    ended = engage("query", SQL, "--format", "json")

    assert json.loads(ended.out) == [
        {"n": 18446744073709551615, "text": "a\tb", "nothing": None, "day": "2026-11-22"}
    ]


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.parametrize("output_format", OutputFormat)
def test_a_result_without_rows_is_no_error(engage: Engage, output_format: OutputFormat) -> None:
    ended = engage("query", "SELECT 1 AS one WHERE 0", "--format", output_format.value)

    assert (ended.status, ended.err) == (0, "")


@pytest.mark.usefixtures("clickhouse")
def test_a_table_shows_text_literally_and_steers_no_terminal(engage: Engage) -> None:
    ended = engage("query", "SELECT '[red]\\x1b[2Jx\\0' AS text, NULL AS nothing", "--format", "table")

    assert "[red]\\x1b[2Jx\\x00 │ –" in ended.out
    assert "\x1b" not in ended.out
    assert "\0" not in ended.out


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.parametrize("output_format", OutputFormat)
def test_a_format_clause_in_the_query_wins(engage: Engage, output_format: OutputFormat) -> None:
    ended = engage("query", "SELECT 1, 2 FORMAT Values", "--format", output_format.value)

    assert ended.out.strip() == "(1,2)"


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.parametrize("output_format", OutputFormat)
def test_a_statement_without_a_result_prints_nothing(engage: Engage, output_format: OutputFormat) -> None:
    ended = engage("query", "DROP TABLE IF EXISTS nothing_here", "--format", output_format.value)

    assert (ended.status, ended.out.strip(), ended.err) == (0, "", "")


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", "Syntax error"),
        ("SELECT\n1 +\n* FROM nothing_here", "nothing_here"),
        ("SELECT throwIf(number = 70000, 'too\nmany') FROM numbers(100000)", "too many"),
        ("SELECT '\udcff'", "not UTF-8"),
    ],
)
def test_what_clickhouse_refuses_is_one_line(engage: Engage, sql: str, words: str) -> None:
    ended = engage("query", sql)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("engage: ")
    assert words in ended.err
    assert ended.err.count("\n") == 1
    assert len(ended.err) < 600


@pytest.mark.usefixtures("clickhouse")
def test_a_missing_view_is_answered_with_the_command_that_creates_it(engage: Engage) -> None:
    ended = engage("query", "SELECT * FROM v_nothing")

    assert "engage migrate" in ended.err


def test_a_missing_database_is_answered_with_the_command_that_creates_it(
    engage: Engage, clickhouse_front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", f"{clickhouse_front}/nowhere")

    ended = engage("query", "SELECT 1")

    assert ended.status == 1
    assert ended.err == (
        "engage: ClickHouse has no database nowhere: run `engage migrate`, "
        "or set ENGAGE_CLICKHOUSE_URL to another one\n"
    )


@pytest.mark.parametrize(
    "command", ["query x", "customer x", "windows x", "rejected list", "rejected replay", "rejected export -"]
)
def test_a_clickhouse_that_is_not_there_is_one_line(
    engage: Engage, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", f"http://127.0.0.1:{port}/engagement")

    ended = engage(*command.split())

    assert (ended.status, ended.out) == (1, "")
    assert f"127.0.0.1:{port} does not serve" in ended.err
    assert "ENGAGE_CLICKHOUSE_URL" in ended.err
    assert ended.err.count("\n") == 1


def test_of_a_servers_error_its_own_words_are_left() -> None:
    error = (
        "Received ClickHouse exception, code: 62, server response: Code: 62. DB::Exception: Syntax error: "
        "failed at position 1 (x): x. Expected one of: Query, EXPLAIN, SELECT.\n (SYNTAX_ERROR) "
        "(for url http://127.0.0.1:8123)"
    )

    assert one_line(error) == "Syntax error: failed at position 1 (x): x. (SYNTAX_ERROR)"


# -- customer and windows ----------------------------------------------------------------------------


@pytest.mark.usefixtures("clickhouse")
def test_a_customer_is_shown_at_a_glance(engage: Engage, customer_id: str) -> None:
    ended = engage("customer", customer_id)

    assert (ended.status, ended.err) == (0, "")
    for shown in (SHOWN_ID, "19.99 EUR", "o-[red]7", "paid", "s-1", "purchase, website", "1 (2)"):
        assert shown in ended.out
    assert "\x1b" not in ended.out


@pytest.mark.usefixtures("clickhouse")
def test_the_lead_score_is_shown_as_long_as_there_is_no_order(
    engage: Engage, clickhouse_settings: Settings, customer_id: str
) -> None:
    now = datetime.now(timezone.utc)
    lead = CustomerStateRow(
        customer_id="lead",
        is_anonymous=0,
        first_seen_at=now,
        website_seen_at=now,
        chat_seen_at=None,
        purchase_seen_at=None,
        events_total=1,
        orders_total=0,
        epoch=0,
        n_applied=1,
        is_moved=0,
        purchase_days=0,
        first_purchase_on=None,
        last_purchase_at=None,
        won_back_on=None,
    )
    chat = event_row("e-3", "conversation_started", "chat", now, {}).model_copy(
        update={"customer_id": "lead"}
    )
    insert(clickhouse_settings, lead, chat)

    assert re.search(r"lead score\s+10\s", engage("customer", "lead").out)
    assert re.search(r"lead score\s+–\s", engage("customer", customer_id).out)


@pytest.mark.usefixtures("clickhouse")
def test_the_windows_of_a_customer_are_rows_from_short_to_long(engage: Engage, customer_id: str) -> None:
    ended = engage("windows", customer_id, "--format", "json")

    rows = json.loads(ended.out)
    assert [row["window_name"] for row in rows] == ["1h", "24h", "7d", "30d", "90d"]
    assert {(row["channel"], row["events"]) for row in rows} == {("website", 1)}
    assert [row["points"] for row in rows] == [None, None, 2, 2, 2]


@pytest.mark.usefixtures("clickhouse", "customer_id")
@pytest.mark.parametrize("command", ["customer", "windows"])
@pytest.mark.parametrize(
    ("unknown", "shown"),
    [("nobody", "'nobody'"), ("' OR 1=1 --", '"\' OR 1=1 --"'), ("\x1b[2J", "'\\x1b[2J'"), ("", "''")],
)
def test_an_unknown_customer_is_one_line(engage: Engage, command: str, unknown: str, shown: str) -> None:
    ended = engage(command, unknown)

    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        f"engage: no customer {shown}: give the id as it was sent, or anon:ID for an anonymous visitor\n"
    )


@pytest.mark.usefixtures("clickhouse")
@pytest.mark.parametrize("command", ["customer", "windows"])
def test_an_id_that_is_not_utf8_is_one_line(engage: Engage, command: str) -> None:
    ended = engage(command, "\udcff")

    assert ended.status == 1
    assert ended.err == "engage: a text that is not UTF-8 cannot be sent to ClickHouse\n"
