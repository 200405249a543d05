"""Every statement of `sql/` has a cluster variant, and what has none is refused."""

from __future__ import annotations

import re

import pytest

from streams.cluster_ddl import Cluster, on_cluster
from streams.errors import MigrationError
from tests.sql.cluster_statements import CLUSTER, all_statements, views


def created(kind: str) -> dict[str, str]:
    """Statements that create a `kind` (`TABLE IF NOT EXISTS`, …) for all nodes, by name."""
    pattern = re.compile(rf"CREATE {kind} (\w+) ON CLUSTER")
    variants = [variant for statement in all_statements() for variant in on_cluster(statement, CLUSTER)]
    return {found[1]: variant for variant in variants if (found := pattern.match(variant))}


TABLES = created("TABLE IF NOT EXISTS")
DISTRIBUTED = {name: text for name, text in TABLES.items() if "ENGINE = Distributed" in text}


@pytest.mark.parametrize("statement", all_statements(), ids=lambda text: " ".join(text.split())[-40:])
def test_every_statement_has_a_variant_that_reaches_all_nodes_or_goes_through_the_distributed_tables(
    statement: str,
) -> None:
    variants = on_cluster(statement, CLUSTER)

    if variants == [statement]:
        assert re.search(r"^INSERT INTO ", statement, re.MULTILINE)
    else:
        assert all("ON CLUSTER `main`" in variant for variant in variants)


def test_every_table_is_a_replicated_one_on_each_node_and_a_distributed_one_over_all() -> None:
    local = {name.removesuffix("_local") for name in TABLES if name.endswith("_local")}

    assert len(local) > 15
    assert set(DISTRIBUTED) == local
    for name in local:
        text = TABLES[f"{name}_local"]
        assert "ENGINE = Replicated" in text or f"AS {name[:-9]}_local" in text


def sorting_columns(table: str) -> list[str]:
    found = re.search(r"ORDER BY \(?([\w, ]+?)\)?\s*(?:SETTINGS|COMMENT|$)", TABLES[f"{table}_local"])
    assert found is not None
    return found[1].split(", ")


def test_all_versions_of_a_row_lie_on_one_shard() -> None:
    """FINAL is done by each shard alone, so what decides on the shard must be of the sorting key."""
    for name, text in DISTRIBUTED.items():
        if " AS lead_events" not in TABLES[f"{name}_local"]:
            key = re.search(r"cityHash64\((.+?)\)\)$", text)
            assert key or "AggregatingMergeTree" in TABLES[f"{name}_local"]
            assert set(key[1].split(", ") if key else []) <= set(sorting_columns(name))


def test_all_that_is_about_a_customer_lies_on_one_shard() -> None:
    of_customers = {
        name for name in DISTRIBUTED if re.search(r"^\s+customer_id\s", TABLES[f"{name}_local"], re.MULTILINE)
    }

    assert {"events", "customer_state", "sessions", "identity_claims", "customer_links"} <= of_customers
    assert all(DISTRIBUTED[name].endswith(", cityHash64(customer_id))") for name in of_customers)


def test_nothing_is_inserted_by_a_key_where_views_put_rows_elsewhere() -> None:
    """`activity_5m` is filled on each customer's shard: no condition on its key may leave out a shard."""
    assert DISTRIBUTED["activity_5m"].endswith(
        "ENGINE = Distributed('main', 'engagement', 'activity_5m_local')"
    )


def test_materialized_views_read_and_write_local_tables() -> None:
    materialized = created("MATERIALIZED VIEW IF NOT EXISTS")

    assert len(materialized) > 6
    for text in materialized.values():
        assert re.search(r" TO \w+_local\s", text)
        assert set(re.findall(r"FROM (\w+)", text)) <= {"events_local", "identity_links_local"}


def test_views_read_in_the_name_of_who_migrated_and_never_look_up_by_key() -> None:
    for statement in views().values():
        (variant,) = on_cluster(statement, CLUSTER)

        assert "DEFINER = `engage_migrator` SQL SECURITY DEFINER" in variant
        assert "join_algorithm = 'direct'" not in variant


def test_a_column_comes_to_the_local_table_first_and_leaves_it_last() -> None:
    added = on_cluster("ALTER TABLE t ADD COLUMN IF NOT EXISTS x UInt8", CLUSTER)
    dropped = on_cluster("ALTER TABLE t DROP COLUMN x SETTINGS alter_sync = 0", CLUSTER)

    assert [text.split()[2] for text in added] == ["t_local", "t"]
    assert [text.split()[2] for text in dropped] == ["t", "t_local"]


@pytest.mark.parametrize(
    "action",
    [
        "DELETE WHERE epoch < 2 SETTINGS mutations_sync = 2",
        "MODIFY TTL day + 1",
        "REMOVE TTL",
        "MODIFY SETTING x = 1",
    ],
)
def test_what_is_about_storage_is_the_local_table_s_alone(action: str) -> None:
    assert on_cluster(f"ALTER TABLE t {action}", CLUSTER) == [
        f"ALTER TABLE t_local ON CLUSTER `main` {action}"
    ]


def test_the_bookkeeping_of_migrations_is_shared_as_well() -> None:
    create = (
        'CREATE TABLE IF NOT EXISTS "schema_migrations" (version UInt32) '
        "ENGINE = MergeTree\nORDER BY tuple(version)"
    )

    local, distributed = on_cluster(create, CLUSTER)

    assert local.startswith("CREATE TABLE IF NOT EXISTS schema_migrations_local ON CLUSTER `main` (")
    assert "ENGINE = ReplicatedMergeTree" in local
    assert distributed.endswith("'schema_migrations_local', cityHash64(version))")
    assert on_cluster('OPTIMIZE TABLE "schema_migrations" FINAL', CLUSTER) == [
        "OPTIMIZE TABLE schema_migrations_local ON CLUSTER `main` FINAL"
    ]


def test_what_follows_from_rules_is_dropped_on_all_nodes() -> None:
    assert on_cluster("DROP VIEW IF EXISTS l_mv", CLUSTER) == ["DROP VIEW IF EXISTS l_mv ON CLUSTER `main`"]
    assert on_cluster("DROP TABLE IF EXISTS l", CLUSTER) == [
        "DROP TABLE IF EXISTS l ON CLUSTER `main`",
        "DROP TABLE IF EXISTS l_local ON CLUSTER `main`",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "INSERT INTO events SELECT 1",
        "CREATE TEMPORARY TABLE once ENGINE = MergeTree ORDER BY x AS SELECT 1 AS x",
        "DROP TEMPORARY TABLE IF EXISTS once",
    ],
)
def test_reads_inserts_and_a_session_s_own_tables_stay_as_they_are(statement: str) -> None:
    assert on_cluster(statement, CLUSTER) == [statement]


def test_names_are_quoted() -> None:
    (variant,) = on_cluster(
        "CREATE OR REPLACE VIEW v DEFINER = CURRENT_USER AS SELECT 1", Cluster("c", "d", "a`b")
    )

    assert "DEFINER = `a``b`" in variant


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE TABLE events",
        "RENAME TABLE a TO b",
        "CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x",
        "CREATE TABLE IF NOT EXISTS t (x UInt8) ENGINE = Log",
        "CREATE TABLE IF NOT EXISTS t (x UInt8) ENGINE = MergeTree ORDER BY length(x)",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS SELECT 1 FROM a JOIN (SELECT 2 FROM b) USING x",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t ADD INDEX i x TYPE minmax",
    ],
)
def test_what_is_not_known_is_refused_in_one_line(statement: str) -> None:
    with pytest.raises(MigrationError) as refused:
        on_cluster(statement, CLUSTER)

    assert "\n" not in str(refused.value)
