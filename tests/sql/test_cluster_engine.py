"""What the engine itself says of the cluster variant, as far as one process without a network can tell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from streams.cluster_ddl import on_cluster
from tests.sql.cluster_statements import CLUSTER, all_statements, migrations, statements_of_rules, views

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# In one process no other node executes a task, so none is made; and nobody but the one user exists.
BEGIN = ["CREATE DATABASE engagement", "USE engagement"]
#: Two facts of one customer and one of another, an order among them, and the settings that views read.
SOME_ROWS = [
    "INSERT INTO settings_local (key, value) VALUES ('retention_days', '90')",
    """INSERT INTO events_local
    (event_id, customer_id, channel, type, occurred_at, appended_at, properties) VALUES
    ('e1', 'c1', 'website', 'page_viewed', now64(3), now64(3), '{"url": "https://shop.example/"}'),
    ('e2', 'c1', 'purchase', 'order_completed', now64(3), now64(3),
     '{"order_id": "o1", "currency": "EUR", "total_minor": 500}'),
    ('e3', 'c2', 'chat', 'conversation_started', now64(3), now64(3), '{"conversation_id": "v1"}')""",
]


def on_this_node(statements: list[str]) -> list[str]:
    """The cluster variants, each executed here only."""
    return [
        variant.replace(f" {CLUSTER.clause}", "").replace(
            "DEFINER = `engage_migrator`", "DEFINER = CURRENT_USER"
        )
        for statement in statements
        for variant in on_cluster(statement, CLUSTER)
    ]


def answers(directory: Path, statements: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sql.cluster_engine", str(directory)],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    return dict(zip(statements, json.loads(done.stdout), strict=True))


def errors(found: dict[str, Any]) -> dict[str, str]:
    return {statement: answer for statement, answer in found.items() if isinstance(answer, str)}


def test_clickhouse_reads_every_variant_with_its_cluster(client: Client) -> None:
    for statement in all_statements():
        for variant in on_cluster(statement, CLUSTER):
            ((text,),) = client.query(
                "SELECT formatQuery(%(text)s)", parameters={"text": variant}
            ).result_rows

            assert ("ON CLUSTER main" in text) == (variant != statement)


def test_replicated_and_distributed_tables_materialized_views_and_views_can_be_made(tmp_path: Path) -> None:
    made = [text for text in on_this_node([*migrations(), *views().values()]) if text.startswith("CREATE ")]
    engines = "SELECT engine, count() FROM system.tables WHERE database = 'engagement' GROUP BY engine"

    found = answers(tmp_path, [*BEGIN, *made, engines])

    assert errors(found) == {}
    counts = {engine: int(n) for engine, n in found[engines]}
    assert counts["Distributed"] == sum(n for engine, n in counts.items() if engine.startswith("Replicated"))
    assert counts["View"] == len(views())
    assert counts["MaterializedView"] > 6


def over_two_shards(statements: list[str]) -> list[str]:
    """The same with plain engines, which can be written to, and with tables that read the local ones twice,
    as two shards of this process: `remote` is a Distributed table, but for its addresses."""
    found = []
    for text in on_this_node(statements):
        if name := re.search(r"EXISTS (\w+) AS \w+ ENGINE = Distributed", text):
            text = f"CREATE TABLE {name[1]} AS remote('127.0.0.1,127.0.0.1', engagement, {name[1]}_local)"
        elif text.startswith("ALTER TABLE") and not re.match(r"ALTER TABLE \w+_local", text):
            continue
        found.append(text.replace("ENGINE = Replicated", "ENGINE = "))
    # A table over others takes their columns when it is made.
    return sorted(found, key=lambda text: "AS remote(" in text)


def looked_at(view: str) -> str:
    arguments = "(cutoff = toDate('2026-01-01'))" if view == "v_purchase_summary_at" else ""
    return f"SELECT count() FROM {view}{arguments}"


def test_every_view_answers_over_two_shards(tmp_path: Path) -> None:
    tables = [text for text in [*migrations(), *statements_of_rules()] if "INSERT INTO" not in text]
    begun = [*BEGIN, "SET distributed_product_mode = 'global'", *over_two_shards(tables), *SOME_ROWS]
    shown = on_this_node(list(views().values()))
    looks = [looked_at(view) for view in views()]

    found = answers(tmp_path, [*begun, *shown, *looks])

    assert errors(found) == {}
    assert int(found[looked_at("v_events")][0][0]) == 6
    assert int(found[looked_at("v_orders")][0][0]) == 1


def test_without_the_change_of_algorithm_a_lookup_by_key_fails(tmp_path: Path) -> None:
    """Should a Distributed table be looked up one day, `on_cluster` need not change views any more."""
    tables = [text for text in [*migrations(), *statements_of_rules()] if "INSERT INTO" not in text]
    (shown,) = on_this_node([views()["v_orders"]])
    as_on_one_server = shown.replace("join_algorithm = 'direct,hash'", "join_algorithm = 'direct'")

    found = answers(
        tmp_path,
        [
            *BEGIN,
            *over_two_shards(tables),
            *on_this_node([views()["v_clock"]]),
            as_on_one_server,
            looked_at("v_orders"),
        ],
    )

    assert "join_algorithm" in errors(found)[looked_at("v_orders")]
