"""What a contender's process is told, and what it tells, through files in its directory."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import NamedTuple

_VARIABLE = "BENCH_TASK"


class Task(NamedTuple):
    """What to read, and where to keep and to write it.

    Attributes:
        name: of the consumer group.
        clickhouse_url: ends with the database.
        files: what the topic at the same place in `topics` holds, one JSON object per line.
        directory: for state, and for what is told.
    """

    name: str
    kafka: str
    clickhouse_url: str
    topics: list[str]
    files: list[str]
    directory: str

    def to_environment(self) -> dict[str, str]:
        return {_VARIABLE: json.dumps(self._asdict())}

    @classmethod
    def from_environment(cls) -> Task:
        return cls(**json.loads(os.environ[_VARIABLE]))

    @property
    def started_file(self) -> Path:
        """Made when the first record is about to be taken: the clock starts."""
        return Path(self.directory) / "started"

    @property
    def ended_file(self) -> Path:
        """Made when all is durable, by contenders that read to an end: the clock stops."""
        return Path(self.directory) / "ended"

    @property
    def counts_file(self) -> Path:
        """What has been counted, where ClickHouse cannot be asked for it."""
        return Path(self.directory) / "counts"

    def started(self) -> None:
        self.started_file.touch()

    def ended(self) -> None:
        self.ended_file.touch()

    def tell(self, counts: list[int]) -> None:
        unfinished = self.counts_file.with_suffix(".tmp")
        unfinished.write_text(json.dumps(counts))
        unfinished.replace(self.counts_file)


def wait_to_be_stopped() -> None:
    """The CPU time of a process goes with it, so it stays until that has been read."""
    signal.pause()


def channel_of(topic: str) -> str:
    """`website` of `events.website`, whatever stands before."""
    return topic.rpartition(".")[2]
