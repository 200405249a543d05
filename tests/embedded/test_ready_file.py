"""The file that tells others where the servers are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from streams.embedded.ready_file import Ready, write_ready_file

READY = Ready(
    "127.0.0.1:9092",
    "http://127.0.0.1:8123/engagement",
    "/data",
    {"worker-0": "127.0.0.1:9101"},
    "http://127.0.0.1:8088/",
    {"kafka": 11, "worker-0": 12},
)


def test_it_holds_addresses_and_pids_as_json(tmp_path: Path) -> None:
    path = tmp_path / "new directory" / "ready.json"

    write_ready_file(path, READY)

    assert json.loads(path.read_text()) == {
        "kafka": "127.0.0.1:9092",
        "clickhouse": "http://127.0.0.1:8123/engagement",
        "data_dir": "/data",
        "metrics": {"worker-0": "127.0.0.1:9101"},
        "dashboard": "http://127.0.0.1:8088/",
        "pids": {"kafka": 11, "worker-0": 12},
    }


def test_it_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    write_ready_file(path, READY)
    with path.open() as reader_of_the_old_one:
        write_ready_file(path, replace(READY, pids={"kafka": 99}))

        assert json.load(reader_of_the_old_one)["pids"] == READY.pids
    assert json.loads(path.read_text())["pids"] == {"kafka": 99}
    assert list(tmp_path.iterdir()) == [path]
