"""`engage verify` on a real engine: what it prints, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest

from streams.clickhouse import connect
from streams.config import Settings
from streams.ops.verify import audit
from tests.cli.commands import Engage
from tests.ops.audited import insert_transitions
from tests.sql.scenario import Event, at, insert_facts, insert_rows, order

ODD = "c-1 [bold]\x1b"
EVENTS = [
    Event("e1", ODD, "page_viewed", at("2026-03-01 10:00:00")),
    order("e2", ODD, at("2026-03-01 10:01:00"), 500),
    Event("e3", "c-2", "page_viewed", at("2026-03-02 10:00:00")),
]


@pytest.fixture(scope="module", autouse=True)
def facts_and_rows(clickhouse_settings: Settings) -> None:
    client = connect(clickhouse_settings)
    insert_facts(client, EVENTS)
    insert_rows(client, EVENTS)
    insert_transitions(client, EVENTS, datetime.now(timezone.utc))
    client.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch, clickhouse: Settings) -> None:
    """Nobody writes, so there is nothing to wait for."""
    monkeypatch.setattr(audit, "PAUSES_SECONDS", (0, 0))


@contextmanager
def one_order_lost(settings: Settings) -> Iterator[None]:
    client = connect(settings)
    client.command("DELETE FROM order_events WHERE 1")
    try:
        yield
    finally:
        insert_facts(client, EVENTS)
        client.close()


@pytest.mark.parametrize("options", [(), ("--all",), ("--sample", "1"), ("--customers", ODD)])
def test_right_numbers_end_with_status_0(engage: Engage, options: tuple[str, ...]) -> None:
    ended = engage("verify", *options)

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("0 disagreements in ")
    assert ended.out.endswith(" of 1 customer\n" if options[1:] else " of 2 customers\n")


def test_each_wrong_number_is_a_line_and_the_status_1(engage: Engage, clickhouse: Settings) -> None:
    with one_order_lost(clickhouse):
        ended = engage("verify")

    assert ended.status == 1
    lines = ended.out.splitlines()
    shown = "c-1 [bold]\\x1b"
    assert f"v_customer_360 [customer_id={shown}] orders_total: published 0, recomputed 1" in lines
    assert f"v_customer_360 [customer_id={shown}] currency: published NULL, recomputed EUR" in lines
    assert f"v_orders [customer_id={shown}, order_id=e2] rows: published 0, recomputed 1" in lines
    assert lines[-1].startswith(f"{len(lines) - 1} disagreements in ")


def test_programs_read_one_json_object(engage: Engage, clickhouse: Settings) -> None:
    with one_order_lost(clickhouse):
        ended = engage("verify", "--customers", ODD, "--json")

    assert ended.status == 1
    report = json.loads(ended.out)
    assert (report["customers"], report["numbers"]["v_orders"]) == (1, 6)
    assert {
        "view": "v_orders",
        "key": {"customer_id": ODD, "order_id": "e2"},
        "column": "rows",
        "published": 0,
        "recomputed": 1,
        "cause": "",
    } in report["disagreements"]


def test_an_unknown_customer_is_said(engage: Engage) -> None:
    ended = engage("verify", "--customers", ODD, "--customers", "nobody")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("engage: no customer 'nobody': ")


def test_only_one_choice_of_customers_is_taken(engage: Engage) -> None:
    ended = engage("verify", "--all", "--sample", "3")

    assert ended.status == 2
    assert ended.err == "engage: --customers, --sample and --all exclude each other: give one of them\n"
