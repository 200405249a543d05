"""One thread that measures lag: each interval, and whenever somebody asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import NamedTuple

import structlog

from streams.core.lag import Measurement
from streams.errors import EngageError, KafkaUnavailable

log = structlog.get_logger("streams.lag")


class Progress(NamedTuple):
    """What the monitor has done so far; `measured_at_ms` is 0 before the first success."""

    measured_at_ms: int = 0
    measure_seconds: float = 0.0
    failures: int = 0
    is_failing: bool = False


class LagMonitor:
    """Answers with what was measured after the question, never with an older number.

    Args:
        measurements: endless; each step measures, or is what went wrong. Only the monitor's thread steps.
        on_interval: told one measurement per interval; must return at once.
    """

    def __init__(
        self,
        measurements: Generator[Measurement | EngageError, None, None],
        interval_seconds: float,
        on_interval: Callable[[Measurement], None],
    ) -> None:
        self._measurements = measurements
        self.interval_seconds = interval_seconds
        self._on_interval = on_interval
        self._changed = threading.Condition()
        self._is_asked = self._is_stopping = False
        self._begun = self._ended = 0
        self._latest: Measurement | EngageError = KafkaUnavailable("nothing has been measured yet")
        self._ended_at = time.monotonic()
        self.progress = Progress()

    def run(self) -> None:
        """Measure until `stop`."""
        due_at = time.monotonic()
        with closing(self._measurements):
            while self._wait_until_wanted(due_at):
                latest = self._measure()
                if time.monotonic() >= due_at:
                    due_at = time.monotonic() + self.interval_seconds
                    if isinstance(latest, Measurement):
                        self._on_interval(latest)

    def stop(self) -> None:
        """Have `run` return after the measurement at hand."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def fresh(self, patience_seconds: float) -> Measurement | EngageError:
        """What a measurement that begins now brings, or why there is none within `patience_seconds`."""
        with self._changed:
            wanted = self._begun + 1
            self._is_asked = True
            self._changed.notify_all()
            if self._changed.wait_for(lambda: self._ended >= wanted, patience_seconds):
                return self._latest
        return KafkaUnavailable(f"Kafka has not answered within {patience_seconds:g} s")

    @property
    def latest(self) -> Measurement | EngageError:
        """The outcome of the last measurement, at most about an interval old while the monitor is alive."""
        return self._latest

    @property
    def silent_seconds(self) -> float:
        """How long ago a measurement has ended, well or not."""
        return time.monotonic() - self._ended_at

    def _wait_until_wanted(self, due_at: float) -> bool:
        """Return when the next measurement is due or asked for; False: when it is time to stop."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_asked or self._is_stopping, max(0.0, due_at - time.monotonic())
            )
            self._is_asked = False
            self._begun += 1
            return not self._is_stopping

    def _measure(self) -> Measurement | EngageError:
        started = time.monotonic()
        latest = next(self._measurements)
        self.progress = self._note(latest, time.monotonic() - started)
        with self._changed:
            self._latest = latest
            self._ended = self._begun
            self._ended_at = time.monotonic()
            self._changed.notify_all()
        return latest

    def _note(self, latest: Measurement | EngageError, seconds: float) -> Progress:
        """Count it; log when measuring begins to fail and when it is well again, not each time."""
        before = self.progress
        if isinstance(latest, Measurement):
            if before.is_failing:
                log.info("lag_measured_again")
            return Progress(latest.measured_at_ms, seconds, before.failures)
        if not before.is_failing:
            log.warning("lag_not_measured", reason=str(latest))
        return before._replace(failures=before.failures + 1, is_failing=True)
