"""Every answer is what the views say at that moment."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
from clickhouse_connect.driver.client import Client

from streams.config import Settings
from tests.dashboard.conftest import BUSY, ODD_IDS
from tests.dashboard.rig import Json, Running, rows
from tests.ops.audited import ASLEEP, KNOWN, PROSPECT
from tests.sql.lives import NEWEST

AS_OF = f"{NEWEST:%Y-%m-%dT%H:%M:%S}.000Z"
HOT_FIRST = "ORDER BY lead_score DESC NULLS LAST, score DESC, last_at DESC, customer_id"


def customer_path(customer_id: str) -> str:
    return f"/api/customers/{quote(customer_id, safe='')}"


async def test_overview_tells_what_comes_in_and_how_things_stand(running: Running, client: Client) -> None:
    told = await running.get("/api/overview")

    assert told["as_of"] == AS_OF
    assert told["activity"] == rows(
        client,
        "SELECT bucket_at, channel, sum(events) AS events FROM v_activity_5m"
        " WHERE bucket_at > {at:DateTime64(3, 'UTC')} - toIntervalDay(1)"
        " GROUP BY bucket_at, channel ORDER BY bucket_at, channel",
        at=NEWEST,
    )
    assert [told["live_visitors"]] == [
        row["n"] for row in rows(client, "SELECT count() n FROM v_live_visitors")
    ]
    assert [told["stickiness"]] == rows(client, "SELECT * FROM v_stickiness ORDER BY day DESC LIMIT 1")
    assert told["goals"] == rows(client, "SELECT * FROM v_goals")
    assert len(told["goals"]) == 1
    assert told["rates"] == [
        {"channel": channel, "events_per_second": None} for channel in ("website", "chat", "purchase")
    ]


async def test_scores_are_counted_in_tenths(running: Running, client: Client) -> None:
    told = (await running.get("/api/overview"))["scores"]

    scores = [row["score"] for row in rows(client, "SELECT score FROM v_customer_360 WHERE is_anonymous = 0")]
    assert told == [
        {
            "from": low,
            "to": low + 10,
            "customers": sum(low <= score and (score < low + 10 or low == 90) for score in scores),
        }
        for low in range(0, 100, 10)
    ]
    assert sum(line["customers"] for line in told) == len(scores) > 0


async def test_retention_of_the_overview_is_the_running_month_and_the_two_before(
    running: Running, client: Client
) -> None:
    told = (await running.get("/api/overview"))["retention"]

    current, last, before_last = rows(
        client,
        "SELECT * FROM v_retention_period WHERE grain = 'month' AND basis = 'purchase'"
        " ORDER BY period_start DESC LIMIT 3",
    )
    assert (current["is_complete"], last["is_complete"]) == (0, 1)
    assert told == {
        "grain": "month",
        "basis": "purchase",
        "current": current,
        "last": last,
        "before_last": before_last,
    }


@pytest.mark.parametrize("channel", ["", "website", "chat", "purchase"])
@pytest.mark.parametrize("min_score", ["", "30", "100"])
async def test_visitors_are_those_that_the_filters_let_through(
    running: Running, client: Client, channel: str, min_score: str
) -> None:
    told = await running.get("/api/visitors", channel=channel, min_score=min_score, limit="1000")

    here = rows(client, f"SELECT * FROM v_live_visitors WHERE score >= {min_score or 0} {HOT_FIRST}")
    wanted = [row for row in here if channel in ("", row["channel"])]
    assert told == {
        "as_of": AS_OF,
        "total": len(wanted),
        "by_channel": [
            {"channel": name, "visitors": sum(row["channel"] == name for row in here)}
            for name in ("website", "chat", "purchase")
        ],
        "visitors": wanted,
    }


async def test_of_many_visitors_the_first_are_shown_and_all_are_counted(
    running: Running, client: Client
) -> None:
    all_of_them = await running.get("/api/visitors")
    told = await running.get("/api/visitors", limit="2")

    assert told["visitors"] == all_of_them["visitors"][:2]
    assert told["total"] == all_of_them["total"] == len(all_of_them["visitors"]) > 2


@pytest.mark.parametrize("customer_id", [KNOWN, PROSPECT, ASLEEP, "c-0", BUSY, *ODD_IDS])
async def test_a_customer_is_what_all_views_say_of_them(
    running: Running, client: Client, customer_id: str
) -> None:
    told = await running.get(customer_path(customer_id))

    def of_customer(view: str, rest: str) -> list[dict[str, Json]]:
        return rows(client, f"SELECT * FROM {view} WHERE customer_id = {{id:String}} {rest}", id=customer_id)

    assert told["as_of"] == AS_OF
    assert [told["customer"]] == of_customer("v_customer_360", "")
    assert unordered(told["windows"]) == unordered(of_customer("v_customer_windows", ""))
    assert unordered(told["score_ledger"]) == unordered(
        of_customer("v_score_ledger", f"AND day > toDate('{NEWEST:%Y-%m-%d}') - 30")
    )
    assert unordered(told["lead_ledger"]) == unordered(of_customer("v_lead_ledger", ""))
    assert told["transitions"] == of_customer("v_transitions", "ORDER BY changed_at DESC")
    assert told["orders"] == of_customer("v_orders", "ORDER BY ordered_at DESC, order_id LIMIT 50")
    newest = of_customer("v_events", "ORDER BY occurred_at DESC LIMIT 50")
    assert [row["occurred_at"] for row in told["events"][:50]] == [row["occurred_at"] for row in newest]


def unordered(told: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """In an order that does not depend on whether 6 is written 6 or 6.0."""

    def text(value: Json) -> str:
        return str(float(value)) if isinstance(value, (int, float)) else str(value)

    return sorted(told, key=lambda row: [text(value) for value in row.values()])


async def test_parts_that_tests_compare_are_not_all_empty(running: Running) -> None:
    """Somebody has each of them."""
    told = [await running.get(customer_path(name)) for name in (KNOWN, PROSPECT, ASLEEP)]
    for part in ("windows", "score_ledger", "lead_ledger", "transitions", "orders", "events"):
        assert any(customer[part] for customer in told), part


async def test_the_lines_of_a_score_sum_to_it(running: Running) -> None:
    told = await running.get(customer_path("c-0"))

    points = sum(line["points"] for line in told["score_ledger"])
    assert told["customer"]["score"] == round(100 * (1 - 2 ** (-points / 50)), 1) > 0


@pytest.mark.parametrize("customer_id", ["c-0", BUSY, KNOWN])
@pytest.mark.parametrize("channel", ["", "chat"])
async def test_pages_of_events_are_all_events_each_once(
    running: Running, client: Client, customer_id: str, channel: str
) -> None:
    page = await running.get(customer_path(customer_id), channel=channel)
    told = page["events"]
    while page["has_more"]:
        before = told[-1]["occurred_at"]
        page = await running.get(f"{customer_path(customer_id)}/events", before=before, channel=channel)
        told += page["events"]

    there = rows(
        client,
        "SELECT * FROM v_events WHERE customer_id = {id:String} AND {channel:String} IN ('', channel)",
        id=customer_id,
        channel=channel,
    )
    assert unordered(told) == unordered(there)
    assert [row["occurred_at"] for row in told] == sorted((row["occurred_at"] for row in there), reverse=True)


async def test_what_happened_at_one_instant_is_on_one_page(running: Running) -> None:
    told = await running.get(customer_path(BUSY))
    assert (len(told["events"]), told["has_more"]) == (80, True)


@pytest.mark.parametrize("prefix", ["c", "c-1", "a", "anon:", "<", "%", "_", "a/", "no such", "busy"])
async def test_customers_are_found_by_how_their_ids_begin(
    running: Running, client: Client, prefix: str
) -> None:
    told = await running.get("/api/customers", q=prefix)

    there = rows(
        client,
        "SELECT customer_id, score, churn_status, last_seen_at FROM v_customer_360 ORDER BY customer_id",
    )
    assert told["customers"] == [row for row in there if row["customer_id"].startswith(prefix)][:20]


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter"])
@pytest.mark.parametrize("basis", ["purchase", "engagement"])
async def test_retention_has_the_last_periods_and_cohorts(
    running: Running, client: Client, grain: str, basis: str
) -> None:
    told = await running.get("/api/retention", grain=grain, basis=basis)

    of = f"grain = '{grain}' AND basis = '{basis}'"
    periods = rows(client, f"SELECT * FROM v_retention_period WHERE {of} ORDER BY period_start")
    cohorts = rows(client, f"SELECT * FROM v_retention_cohort WHERE {of} ORDER BY cohort_start, k")
    lifecycle = rows(client, f"SELECT * FROM v_lifecycle WHERE grain = '{grain}' ORDER BY period_start")
    newest = sorted({row["cohort_start"] for row in cohorts})[-12:]
    assert told == {
        "as_of": AS_OF,
        "periods": periods[-24:],
        "cohorts": [row for row in cohorts if row["cohort_start"] in newest],
        "lifecycle": lifecycle[-24:],
    }
    assert told["periods"]
    assert told["cohorts"]
    assert bool(told["lifecycle"]) == (grain != "quarter")


async def test_health_has_the_newest_lag_what_was_refused_and_how_old_rows_are(
    running: Running, client: Client
) -> None:
    told = await running.get("/api/health")

    assert [(row["partition"], row["lag"]) for row in told["lag"]] == [(0, 4), (1, 0)]
    assert set(told["lag"][0]) == {name for name, *_ in client.query("DESCRIBE v_stream_lag").result_rows}
    assert told["rejects_by_reason"] == [
        {"reason": "not_json", "rejected": 2},
        {"reason": "too_large", "rejected": 1},
    ]
    assert told["rejects"] == rows(client, "SELECT * FROM v_rejected_events ORDER BY rejected_at DESC")
    assert [(row["table_name"], row["newest_at"]) for row in told["freshness"]] == [
        (row["table_name"], row["newest_at"])
        for row in rows(client, "SELECT * FROM v_freshness ORDER BY table_name")
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/api/customers/nobody",
        "/stream/customers/nobody",
        "/api/customers/' OR 1 = 1 --",
        "/api/nothing",
        "/nothing",
    ],
)
async def test_what_is_not_there_is_404(running: Running, path: str) -> None:
    told = await running.get(path, status=404)
    assert told["error"].count("\n") == 0


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/api/retention", {"grain": "year"}, "grain: must be one of day, week, month, quarter"),
        ("/api/retention", {"basis": "hope"}, "basis: must be one of purchase, engagement"),
        ("/api/visitors", {"channel": "fax"}, "channel: must be one of website, chat, purchase"),
        ("/stream/visitors", {"channel": "fax"}, "channel: must be one of website, chat, purchase"),
        ("/api/visitors", {"min_score": "much"}, "min_score: must be a number from 0 to 100"),
        ("/api/visitors", {"min_score": "nan"}, "min_score: must be a number from 0 to 100"),
        ("/api/visitors", {"limit": "0"}, "limit: must be a whole number from 1 to 1000"),
        ("/api/visitors", {"limit": "9" * 40}, "limit: must be a whole number from 1 to 1000"),
        ("/api/customers", {}, "q: must be 1 to 200 characters of UTF-8"),
        ("/api/customers/x/events", {}, "before: must be a time such as 2026-11-22T19:00:00.000Z"),
        ("/api/customers/x/events", {"before": "2026-11-22"}, "before: must be a time such as"),
        (
            "/api/customers/x/events",
            {"before": "0001-01-01T00:00:00+09:00"},
            "before: must be a time such as",
        ),
    ],
)
async def test_a_wrong_parameter_is_named_with_what_is_allowed(
    running: Running, path: str, query: dict[str, str], says: str
) -> None:
    told = await running.get(path, status=400, **query)
    assert told["error"].startswith(says)


async def test_an_id_that_is_not_utf8_is_refused(running: Running) -> None:
    async with running.http.get(f"{running.url}/api/customers/%ff%fe") as answer:
        assert answer.status in (400, 404)


async def test_names_from_the_internet_travel_as_json(running: Running) -> None:
    async with running.http.get(customer_path(ODD_IDS[0])) as answer:
        assert answer.content_type == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await answer.json())["customer"]["customer_id"] == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "path", ["/", "/visitors?channel=chat", "/customers/a%2Fb?lang=de", "/retention?grain=week", "/health"]
)
async def test_every_page_is_a_deep_link(running: Running, path: str) -> None:
    async with running.http.get("/") as start, running.http.get(path) as page:
        assert page.status == 200
        assert page.content_type == "text/html"
        assert await page.text() == await start.text()


async def test_pages_know_nothing_of_who_is_asked_for(running: Running) -> None:
    async with running.http.get(f"/customers/{quote(ODD_IDS[0], safe='')}") as page:
        assert "alert(1)" not in await page.text()


async def test_files_are_kept_until_they_change(running: Running) -> None:
    async with running.http.get("/static/index.html") as first:
        assert first.headers["Cache-Control"] == "no-cache"
        tag = first.headers["ETag"]
    async with running.http.get("/static/index.html", headers={"If-None-Match": tag}) as again:
        assert again.status == 304


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/", "/static"])
async def test_no_other_file_is_served(running: Running, path: str) -> None:
    host, _, port = running.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] in (b"403", b"404")


def test_the_dashboard_asks_as_a_user_who_sees_views_only(settings: Settings) -> None:
    assert settings.dashboard_clickhouse_user == "bi_reader"
