"""What processes use: CPU seconds and resident memory, each with all descendants."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Final

import psutil
from typing_extensions import Self

_SAMPLE_SECONDS: Final = 0.05


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its descendants, with those that have been waited for."""
    return sum(sum(process.cpu_times()[:4]) for process in _tree(pid))


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its descendants; pages that they share count for each."""
    return sum(process.memory_info().rss for process in _tree(pid)) / 2**20


class Peak:
    """The most resident memory that was seen, sampled in a thread every 50 ms inside the block."""

    def __init__(self, pid: int) -> None:
        self.mib = 0.0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="peak")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            try:
                self.mib = max(self.mib, resident_mib(self._pid))
            except psutil.NoSuchProcess:
                return
            if self._ended.wait(_SAMPLE_SECONDS):
                return


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]
