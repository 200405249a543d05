"""The statements of `sql/` for a ClickHouse cluster: one statement in, those for all nodes out. Pure.

Every table NAME becomes two: NAME_local with a Replicated… engine, and over it a Distributed table with the
name that everybody uses. A row lies on the shard of its customer, whole histories of a key with it, so that
FINAL, which each shard does by itself, sees all versions of a row. Materialized views read and write the
local tables: what follows from a fact lies beside it.

What the forms below do not cover is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streams.errors import MigrationError

LOCAL: Final = "_local"

#: Of every request. An insert is over when its rows are on their shard and on a majority of its replicas, not
#: when they are in a queue of the node that took it. Reads go where writes went, so a worker sees its own.
#: Right-hand sides of joins are gathered from all shards: a device's facts lie elsewhere than its customer's.
CLUSTER_SETTINGS: Final = {
    "distributed_foreground_insert": 1,
    "insert_quorum": "auto",
    "load_balancing": "first_or_random",
    "prefer_localhost_replica": 0,
    "distributed_product_mode": "global",
    "alter_sync": 2,
    "mutations_sync": 2,
}

_COMMENTS: Final = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z))+")
_SORTING_KEY: Final = re.compile(
    r"\bORDER BY (?:tuple)?\(?(?P<columns>\w+(?:, \w+)*)\)?\s*(?=\Z|SETTINGS\b|COMMENT\b)"
)
_LOCAL_ACTIONS: Final = ("MODIFY SETTING", "MODIFY TTL", "REMOVE TTL", "DELETE", "MATERIALIZE COLUMN")
_SHARED_ACTIONS: Final = ("ADD COLUMN", "MODIFY COLUMN", "DROP COLUMN")


@dataclass(frozen=True)
class Cluster:
    """Where to, and in whose name views read: nodes that run a DDL task do not know who CURRENT_USER was."""

    name: str
    database: str
    user: str

    @property
    def clause(self) -> str:
        return f"ON CLUSTER {_quoted(self.name)}"


def on_cluster(statement: str, cluster: Cluster) -> list[str]:
    """The statements to run, in this order, on any one node.

    Reads and inserts stay as they are, as they go to the Distributed tables; so do a session's own tables.

    Raises:
        MigrationError: a statement of a form that is not known here.
    """
    code = _COMMENTS.sub("", statement).rstrip().rstrip(";")
    if re.match(r"(?:SELECT|WITH|INSERT|SET|EXISTS|SHOW|DESCRIBE|(?:CREATE|DROP) TEMPORARY TABLE)\b", code):
        return [statement]
    for pattern, transform in _FORMS:
        if match := pattern.match(code):
            return transform(match, code, cluster)
    raise MigrationError(
        f"No cluster variant of {' '.join(code.split())[:80]!r} is known; see streams/cluster_ddl.py."
    )


def _create_database(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    return [f"{match[0]} {cluster.clause}"]


def _create_table(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    name = match["name"]
    # `ReplicatedX(args)`: path and replica are the server's default_replica_path and default_replica_name.
    body, n = re.subn(r"\bENGINE = (?=\w*MergeTree\b)", "ENGINE = Replicated", code[match.end() :])
    if n != 1:
        raise MigrationError(f"Table {name} must have one engine of the MergeTree family.")
    local = f"CREATE TABLE IF NOT EXISTS {_local(name)} {cluster.clause}{body}"
    return [local, _create_distributed(name, _sharded_by(name, body), cluster)]


def _create_table_as(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    """A table like another one; such tables have rows about customers (`streams.rules.derived_table`)."""
    name = match["name"]
    # As default_replica_path has {uuid}, unless changed, the copy of the engine gets a path of its own.
    local = f"CREATE TABLE IF NOT EXISTS {_local(name)} {cluster.clause} AS {_local(match['other'])}"
    return [local, _create_distributed(name, "customer_id", cluster)]


def _create_distributed(name: str, sharded_by: str, cluster: Cluster) -> str:
    arguments = [f"'{part}'" for part in (cluster.name, cluster.database, _local(name))]
    if sharded_by:
        arguments.append(f"cityHash64({sharded_by})")
    return (
        f"CREATE TABLE IF NOT EXISTS {name} {cluster.clause} AS {_local(name)} "
        f"ENGINE = Distributed({', '.join(arguments)})"
    )


def _sharded_by(name: str, body: str) -> str:
    """What decides on the shard, as arguments of one hash; '' for states that only views fill.

    A key of other columns than the sorting key's would scatter the versions of a row.
    """
    sorting = _SORTING_KEY.search(body)
    if sorting is None:
        raise MigrationError(f"Table {name} needs ORDER BY with names of columns.")
    columns = sorting["columns"]
    if "customer_id" in columns.split(", "):
        return "customer_id"
    return "" if "AggregatingMergeTree" in body else columns


def _create_materialized_view(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    rest, n = re.subn(r"\bFROM (\w+)", rf"FROM \1{LOCAL}", code[match.end() :])
    if n != 1:
        raise MigrationError(f"Materialized view {match['name']} must read exactly one table.")
    head = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {match['name']} {cluster.clause}"
    return [f"{head} TO {_local(match['target'])}{_definer(rest, cluster)}"]


def _replace_view(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    # A Distributed table cannot be looked up by key from a join; it is read instead.
    rest = code[match.end() :].replace("join_algorithm = 'direct'", "join_algorithm = 'direct,hash'")
    return [f"CREATE OR REPLACE VIEW {match['name']} {cluster.clause}{_definer(rest, cluster)}"]


def _alter_table(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    name, actions = match["name"], code[match.end() :].strip()
    local = f"ALTER TABLE {_local(name)} {cluster.clause} {actions}"
    if actions.startswith(_LOCAL_ACTIONS):
        return [local]
    if not actions.startswith(_SHARED_ACTIONS):
        raise MigrationError(f"ALTER TABLE {name} {actions[:40]!r}: no cluster variant is known.")
    distributed = f"ALTER TABLE {name} {cluster.clause} {actions}"
    # At no time has the Distributed table a column that the local one lacks.
    return [distributed, local] if actions.startswith("DROP COLUMN") else [local, distributed]


def _drop_view(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    return [f"DROP VIEW IF EXISTS {match['name']} {cluster.clause}"]


def _drop_table(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    name = match["name"]
    return [f"DROP TABLE IF EXISTS {one} {cluster.clause}" for one in (name, _local(name))]


def _optimize(match: re.Match[str], code: str, cluster: Cluster) -> list[str]:
    return [f"OPTIMIZE TABLE {_local(match['name'])} {cluster.clause}{code[match.end() :]}"]


_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, Cluster], list[str]]], ...]] = (
    (re.compile(r"CREATE DATABASE IF NOT EXISTS \S+\Z"), _create_database),
    (re.compile(r"CREATE TABLE IF NOT EXISTS (?P<name>\"?\w+\"?)(?=\s*\()"), _create_table),
    (re.compile(r"CREATE TABLE IF NOT EXISTS (?P<name>\w+) AS (?P<other>\w+)\Z"), _create_table_as),
    (
        re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<name>\w+) TO (?P<target>\w+)"),
        _create_materialized_view,
    ),
    (re.compile(r"CREATE OR REPLACE VIEW (?P<name>\w+)"), _replace_view),
    (re.compile(r"ALTER TABLE (?P<name>\w+)"), _alter_table),
    (re.compile(r"OPTIMIZE TABLE (?P<name>\"?\w+\"?)"), _optimize),
    (re.compile(r"DROP VIEW IF EXISTS (?P<name>\w+)\Z"), _drop_view),
    (re.compile(r"DROP TABLE IF EXISTS (?P<name>\w+)\Z"), _drop_table),
)


def _local(name: str) -> str:
    return name.strip('"') + LOCAL


def _definer(text: str, cluster: Cluster) -> str:
    return text.replace("DEFINER = CURRENT_USER", f"DEFINER = {_quoted(cluster.user)}", 1)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
