"""ClickHouse for commands: a client whose errors are one line each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.clickhouse import connect, connect_patiently, one_line
from streams.config import Settings
from streams.errors import ClickHouseUnavailable, EngageError, MigrationError

_UNKNOWN_TABLE: Final = 60
_UNKNOWN_DATABASE: Final = 81


@contextmanager
def open_client(settings: Settings, *, patiently: bool = False) -> Iterator[Client]:
    """A client in the database of the settings; what ClickHouse refuses leaves the block as one line.

    `patiently`: for statements that read or write much.

    Raises:
        ClickHouseUnavailable: nothing answers, or it went away inside the block.
        MigrationError: the database is missing.
        EngageError: ClickHouse refuses a statement.
    """
    client = _connect(settings, patiently)
    try:
        yield client
    except UnicodeEncodeError as error:
        raise EngageError("a text that is not UTF-8 cannot be sent to ClickHouse") from error
    except ClickHouseError as error:
        raise _refusal(error, settings) from error
    finally:
        client.close()


def _connect(settings: Settings, patiently: bool) -> Client:
    try:
        return connect_patiently(settings) if patiently else connect(settings)
    except ClickHouseUnavailable as error:
        if getattr(error.__cause__, "code", None) == _UNKNOWN_DATABASE:
            raise MigrationError(
                f"ClickHouse has no database {settings.clickhouse_database}: run `engage migrate`, "
                "or set ENGAGE_CLICKHOUSE_URL to another one"
            ) from error
        raise


def _refusal(error: ClickHouseError, settings: Settings) -> EngageError:
    code = getattr(error, "code", None)
    if code is None:
        host = settings.clickhouse_url.rpartition("@")[2]
        return ClickHouseUnavailable(
            f"ClickHouse at {host} does not answer: {one_line(error)}. "
            "Start it (`engage up`) or set ENGAGE_CLICKHOUSE_URL."
        )
    hint = " Does the schema lack? Run `engage migrate`." if code == _UNKNOWN_TABLE else ""
    return EngageError(f"ClickHouse: {one_line(error)}{hint}")
