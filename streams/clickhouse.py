"""One way to open a ClickHouse client, for commands, migrations and the sink."""

from __future__ import annotations

import logging
import re
from typing import Any, Final, cast
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from streams.cluster_ddl import CLUSTER_SETTINGS, Cluster, on_cluster
from streams.config import Settings
from streams.errors import ClickHouseUnavailable

_LONGEST: Final = 500
#: UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED.
_WRONG_LOGIN: Final = (192, 193, 194, 516)
_PATIENCE_SECONDS: Final = 3_600.0

# Without any handler Python prints the client's warnings beside the one line that is raised.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


def one_line(error: Exception) -> str:
    """What is wrong, without the wrapping of clients and without lists of ClickHouse's keywords."""
    text = " ".join(str(error).split())
    if system_error := re.search(r"\[Errno -?\d+\] ([^'\")]+)", text):
        return system_error[1].strip()
    if tls_error := re.search(r"\[SSL: \w+\] ([^(]+)", text):
        return tls_error[1].strip()
    text = re.sub(r"^.*?DB::Exception: ", "", text)
    text = re.sub(r" \(for url \S*\)$", "", text)
    text = re.sub(r"Expected one of: .*?(?=\([A-Z_]+\)$|$)", "", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def connect_patiently(settings: Settings) -> Client:
    """As `connect`, for statements that read or write much: the client waits an hour for an answer."""
    return connect(settings.model_copy(update={"clickhouse_timeout_seconds": _PATIENCE_SECONDS}))


def connect(settings: Settings, *, database: str | None = None, **options: Any) -> Client:
    """Open a client over HTTP; without `database`, in the database that the URL names.

    `autogenerate_session_id=False`: ClickHouse refuses concurrent queries within one session.

    Raises:
        ClickHouseUnavailable: nothing answers, or it refuses the user.
    """
    url = urlsplit(settings.clickhouse_url)
    if settings.clickhouse_cluster:
        options["settings"] = {**CLUSTER_SETTINGS, **options.get("settings", {})}
    try:
        client = clickhouse_connect.get_client(
            host=url.hostname,
            port=url.port or (8443 if url.scheme == "https" else 8123),
            secure=url.scheme == "https",
            username=settings.clickhouse_user,
            password=settings.clickhouse_password.get_secret_value(),
            database=database or settings.clickhouse_database,
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=settings.clickhouse_timeout_seconds,
            ca_cert=str(settings.clickhouse_ca_file) if settings.clickhouse_ca_file else None,
            **options,
        )
    except ClickHouseError as error:
        address = f"{url.scheme}://{url.hostname}:{url.port or ''}"
        raise ClickHouseUnavailable(
            f"ClickHouse at {address} does not serve: {one_line(error)}. {_advice(error)}"
        ) from error
    if not settings.clickhouse_cluster:
        return client
    cluster = Cluster(settings.clickhouse_cluster, settings.clickhouse_database, settings.clickhouse_user)
    return cast(Client, ClusterClient(client, cluster))


class ClusterClient:
    """A client whose commands reach every node (`streams.cluster_ddl`); in all else the client itself."""

    def __init__(self, client: Client, cluster: Cluster) -> None:
        self._client = client
        self._cluster = cluster

    def command(self, cmd: str, *args: Any, **options: Any) -> Any:
        """As `Client.command`; the answer is that of the last statement.

        Raises:
            MigrationError: no cluster variant of the statement is known.
        """
        answers = [self._client.command(one, *args, **options) for one in on_cluster(str(cmd), self._cluster)]
        return answers[-1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _advice(error: ClickHouseError) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "ENGAGE_CLICKHOUSE_CA_FILE names whom to trust."
    if getattr(error, "code", None) in _WRONG_LOGIN:
        return "See ENGAGE_CLICKHOUSE_USER and ENGAGE_CLICKHOUSE_PASSWORD."
    return "Start it (`engage up`) or set ENGAGE_CLICKHOUSE_URL."
