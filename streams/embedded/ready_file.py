"""The file that tells others where the embedded servers are and which processes serve."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ready:
    """Where everything is.

    Attributes:
        kafka: `host:port`, the value of ENGAGE_KAFKA_BOOTSTRAP.
        clickhouse: `http://host:port/database`, the value of ENGAGE_CLICKHOUSE_URL.
        data_dir: absolute path.
        metrics: by name of a worker, `host:port` of its /metrics, /livez and /readyz.
        dashboard: URL of the live page, None without one.
        pids: by name (`kafka`, `clickhouse`, `worker-0`…), each the process that does the work.
    """

    kafka: str
    clickhouse: str
    data_dir: str
    metrics: dict[str, str]
    dashboard: str | None
    pids: dict[str, int]


def write_ready_file(path: Path, ready: Ready) -> None:
    """Write or replace the file; a reader sees the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(json.dumps(asdict(ready), indent=2) + "\n")
    unfinished.replace(path)
