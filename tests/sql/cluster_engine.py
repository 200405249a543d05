"""Runs statements on a chDB that believes to be a node of a cluster; a process of its own, as chDB reads its
configuration once.

    python -m tests.sql.cluster_engine DIRECTORY < statements.json

Reads a JSON list of statements and prints, for each, the rows of its answer as lists or the error as text.
There is a Keeper in memory, so Replicated tables can be made (not written to, as nothing runs behind them).
There are two shards by name, and nobody behind them, so Distributed tables can be made (not read).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

CONFIGURATION = """<clickhouse>
    <zookeeper><implementation>testkeeper</implementation></zookeeper>
    <macros><shard>1</shard><replica>1</replica></macros>
    <default_replica_path>/clickhouse/tables/{database}/{table}/{shard}</default_replica_path>
    <remote_servers><main>
        <shard><replica><host>127.0.0.1</host><port>1</port></replica></shard>
        <shard><replica><host>127.0.0.2</host><port>1</port></replica></shard>
    </main></remote_servers>
</clickhouse>"""


def answer(session: Any, statement: str) -> Any:
    try:
        text = str(session.query(statement, "JSONCompact"))
    except Exception as error:
        return " ".join(str(error).split())
    return json.loads(text)["data"] if text.strip() else []


def main(directory: Path) -> None:
    from chdb.session import Session

    (directory / "config.xml").write_text(CONFIGURATION)
    session = Session(f"{directory}/data?config-file={directory}/config.xml")
    print(json.dumps([answer(session, statement) for statement in json.load(sys.stdin)]), flush=True)
    # While the session is open: an engine with a Keeper in memory does not survive its end.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
