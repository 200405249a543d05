"""The exception tree. Whatever a person can mend is an `EngageError` with one line that says how.

EngageError
├── ConfigError            a setting is wrong
├── MachineError           something the machine lacks: Java, jars, a free port
├── KafkaUnavailable       no broker answers
│   └── KafkaRefused       one does, and does not let us in
├── ClickHouseUnavailable  no ClickHouse answers
├── MissingTopic           `engage topics` has not been run, or topics differ
├── MigrationError         a migration was edited, is missing, or failed
├── RulesError             rules are not those in force; `engage restate`
├── LineageError           state, topics and rows do not belong together; `engage rebuild`
└── FencedError            this worker no longer owns what it is about to write
"""

from __future__ import annotations


class EngageError(Exception):
    """Base of all errors with a message for people; the command line prints it and exits with `exit_code`."""

    exit_code = 1


class ConfigError(EngageError):
    exit_code = 2


class MachineError(EngageError):
    """The machine lacks something, for example Java or a free port."""


class KafkaUnavailable(EngageError):
    """No Kafka broker answers."""


class KafkaRefused(KafkaUnavailable):
    """A broker answers and does not let us in, by its settings or by ours. Waiting does not mend that."""


class ClickHouseUnavailable(EngageError):
    """No ClickHouse server answers."""


class MissingTopic(EngageError):
    """A topic is missing or has another partition count."""


class MigrationError(EngageError):
    """The schema in ClickHouse and the files in `sql/` do not agree."""


class RulesError(EngageError):
    """Rules are not those in force, or are being changed."""


class LineageError(EngageError):
    """State, topics and rows do not belong together."""


class FencedError(EngageError):
    """Another worker owns the partitions now."""


class NotStopped(Exception):
    """A worker that was told to stop has not, in time. Ending its process loses nothing."""
