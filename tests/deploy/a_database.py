"""A database with something to see in every panel."""

from __future__ import annotations

from typing import Final

from clickhouse_connect.driver.client import Client

from schemas.rows import RejectedEventRow
from tests.sql.scenario import Event, at, insert_facts, insert_rows, order, random_events

NEWEST: Final = at("2026-03-15 12:00:00")


def fill(client: Client) -> None:
    """Events of a hundred days, with the rows that a worker writes; a reject, a change of status, a goal."""
    answers = [
        Event(f"a-{survey}", "c-1", "survey_answered", NEWEST, properties={"survey": survey, "score": score})
        for survey, score in (("nps", 9), ("csat", 4))
    ]
    overdue = order("o-overdue", "c-overdue", at("2026-01-10 12:00:00"), 100)
    events = [*random_events(5, NEWEST, n=1_500), *answers, overdue]
    insert_facts(client, events)
    insert_rows(client, events)
    client.command(
        "INSERT INTO customer_transitions (customer_id, changed_at, from_status, to_status)"
        " VALUES ('c-1', '2026-03-01 00:00:00', 'active', 'at_risk')"
    )
    client.command(
        "INSERT INTO goals (goal_id, metric, segment, baseline, target, start_date, due_date)"
        " VALUES ('more', 'mau', 'all', 1, 100, '2026-03-01', '2026-12-31')"
    )
    client.command(
        f"INSERT INTO {RejectedEventRow.TABLE} (rejected_at, reason, source_topic)"
        " VALUES ('2026-03-15 11:00:00', 'not_json', 'events.chat')"
    )
