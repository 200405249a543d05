"""Running `engage` commands inside the test's process."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
from kafka.admin import KafkaAdminClient

from schemas.topics import TOPICS
from streams.cli import main
from streams.config import Settings, load_settings
from streams.migrations import migrate
from streams.ops.topics import create_topics
from tests.cli.commands import PARTITIONS, Ended, Engage


@pytest.fixture
def engage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Engage:
    """`engage("query", "SELECT 1")`; `stdin` is what the command reads."""

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "argv", ["engage", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        status = ended.value.code
        assert status is None or isinstance(status, int)
        return Ended(status or 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def clickhouse_settings(clickhouse_front: str, request: pytest.FixtureRequest) -> Settings:
    """An embedded ClickHouse with all tables and views, in a database of the test module's own."""
    settings = load_settings(clickhouse_url=f"{clickhouse_front}/{request.module.__name__.split('.')[-1]}")
    migrate(settings)
    return settings


@pytest.fixture
def clickhouse(clickhouse_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same, and where commands look for it."""
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", clickhouse_settings.clickhouse_url)
    return clickhouse_settings


@pytest.fixture(scope="module")
def kafka_topics(kafka_broker: str) -> Iterator[Settings]:
    """A broker with the product's topics, empty. Their names are fixed, so none are left behind."""
    settings = load_settings(kafka_bootstrap=kafka_broker, partitions=PARTITIONS)
    with KafkaAdminClient(bootstrap_servers=kafka_broker) as admin:
        delete_topics(admin)
        create_topics(settings)
        yield settings
        delete_topics(admin)


@pytest.fixture
def kafka(kafka_topics: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same, and where commands look for it."""
    monkeypatch.setenv("ENGAGE_KAFKA_BOOTSTRAP", kafka_topics.kafka_bootstrap)
    return kafka_topics


def delete_topics(admin: KafkaAdminClient) -> None:
    """Delete the product's topics, and wait until the broker has forgotten them."""
    names = {spec.name for spec in TOPICS}
    while existing := names & set(admin.list_topics()):
        admin.delete_topics(sorted(existing), raise_errors=False)
