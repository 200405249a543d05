"""All settings, in one model.

Every field is an environment variable with the prefix `ENGAGE_`; a test keeps the README's table
in step with this file. Units are part of the names.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import Self

from streams.errors import ConfigError
from streams.secret_files import SecretFiles


class Clock(str, Enum):
    """What `as_of` means: the wall clock, or the newest event among the facts (replayed history)."""

    WALL = "wall"
    EVENT = "event"


class LogFormat(str, Enum):
    """`auto` writes for people on a terminal and JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class SecurityProtocol(str, Enum):
    """As `security.protocol` of Kafka's own clients; either case is understood."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"

    @property
    def logs_in(self) -> bool:
        return self in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL)

    @property
    def encrypts(self) -> bool:
        return self in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL)


class SaslMechanism(str, Enum):
    """How user and password are shown to Kafka."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


def _bootstrap(value: str) -> str:
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{server!r} is not host:port, for example 127.0.0.1:9092")
    return value


def _clickhouse_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or not url.path.strip("/"):
        raise ValueError(
            f"{value.rpartition('@')[2]!r} is not http(s)://host:port/database, "
            "for example http://127.0.0.1:8123/engagement"
        )
    if "@" in url.netloc:
        raise ValueError(
            "must not name the user: that is ENGAGE_CLICKHOUSE_USER and ENGAGE_CLICKHOUSE_PASSWORD"
        )
    return value


def _file(value: Path | None) -> Path | None:
    if value is not None and not value.is_file():
        raise ValueError(f"there is no file {value}")
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


#: Nobody guesses that many at random.
_TOKEN_CHARACTERS = 16
#: Must be there; an empty variable counts as none.
_OptionalFile = Annotated[Path | None, BeforeValidator(lambda value: value or None), AfterValidator(_file)]


class Settings(BaseSettings):
    """Settings of every `engage` command, read from `ENGAGE_…` environment variables."""

    model_config = SettingsConfigDict(
        env_prefix="ENGAGE_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    kafka_bootstrap: Annotated[str, AfterValidator(_bootstrap)] = Field(
        "127.0.0.1:9092", description="Kafka brokers, comma-separated `host:port`"
    )
    kafka_security_protocol: Annotated[SecurityProtocol, BeforeValidator(_lower)] = Field(
        SecurityProtocol.PLAINTEXT, description="`plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        SaslMechanism.PLAIN, description="`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`"
    )
    kafka_sasl_username: str = Field("", description="Kafka user, for `sasl_…`")
    kafka_sasl_password: SecretStr = Field(SecretStr(""), description="Kafka password; never logged")
    kafka_ssl_cafile: _OptionalFile = Field(
        None, description="PEM file of the authorities that brokers are checked against; the system's without"
    )
    kafka_ssl_certfile: _OptionalFile = Field(
        None, description="PEM file of the certificate that Kafka asks clients for, if it does"
    )
    kafka_ssl_keyfile: _OptionalFile = Field(
        None, description="PEM file of its key, unencrypted, if that is not in the same file"
    )
    clickhouse_url: Annotated[str, AfterValidator(_clickhouse_url)] = Field(
        "http://127.0.0.1:8123/engagement", description="ClickHouse over HTTP, `http(s)://host:port/database`"
    )
    clickhouse_user: str = Field("default", description="ClickHouse user")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="ClickHouse password; never logged")
    clickhouse_ca_file: _OptionalFile = Field(
        None, description="PEM file of the authorities for `https://`; the usual public ones without"
    )
    clickhouse_timeout_seconds: float = Field(
        30.0, gt=0, description="One ClickHouse request is given up, and tried again, after this many seconds"
    )
    clickhouse_cluster: str = Field(
        "",
        pattern=r"^[\w.-]*$",
        description="ClickHouse cluster that holds the tables ([how](deploy/README.md#a-clickhouse-cluster))",
    )
    data_dir: Path = Field(
        Path(".data"), description="Directory for worker state and, with `engage up`, the servers' data"
    )
    group_id: str = Field(
        "engagement-streams", min_length=1, description="Kafka consumer group of the workers"
    )
    partitions: int = Field(
        8, ge=1, le=1024, description="Partitions of every source topic and of the changelog"
    )
    replication_factor: int = Field(
        1, ge=1, le=9, description="Replicas of every topic that `engage topics` creates"
    )
    clock: Clock = Field(
        Clock.WALL, description="`wall`: figures hold now; `event`: at the newest event (history)"
    )
    retention_days: int = Field(
        90, ge=1, le=3_650, description="Days for which an order or engagement holds a customer, in retention"
    )
    rules_file: Path | None = Field(
        None,
        description="Rules of score, leads and churn, as `deploy/rules/engagement.toml`; built in without it",
    )
    dedupe_horizon_days: int = Field(
        7, ge=1, le=90, description="Days, by broker append time, for which an event id is remembered"
    )
    dedupe_max_ids: int = Field(65_536, ge=1_024, description="Event ids remembered per customer at most")
    flush_max_records: int = Field(50_000, ge=1, description="Records that one flush takes at most")
    flush_linger_ms: int = Field(
        20, ge=0, le=5_000, description="Milliseconds a flush waits for more records"
    )
    sweep_interval_seconds: float = Field(
        10.0, gt=0, le=3_600, description="Seconds between looks at whose silence has changed their status"
    )
    commit_interval_seconds: float = Field(0.5, gt=0, le=60, description="Seconds between offset commits")
    cache_max_customers: int = Field(
        50_000, ge=1, description="Customers whose decoded state a worker keeps in memory"
    )
    block_cache_mib: int = Field(256, ge=8, description="RocksDB block cache of a worker, in MiB")
    session_timeout_seconds: float = Field(
        10.0, ge=1, description="A worker silent for this many seconds loses its partitions"
    )
    instance_id: str = Field(
        "", description="Name of this worker in its group: restarted, it has its partitions back at once"
    )
    retry_backoff_max_seconds: float = Field(
        5.0, gt=0, description="Longest pause between two attempts to reach Kafka or ClickHouse"
    )
    lag_interval_seconds: float = Field(
        15.0, ge=1, le=3_600, description="Seconds between the rows that `engage lag-exporter` writes"
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address on which a worker serves `/metrics`, `/livez` and `/readyz`"
    )
    metrics_port: int = Field(0, ge=0, le=65_535, description="Port of these; 0: not served")
    dashboard_clickhouse_user: str = Field(
        "bi_reader", min_length=1, description="ClickHouse user of `engage dashboard`, who may read the views"
    )
    dashboard_clickhouse_password: SecretStr = Field(
        SecretStr(""), description="ClickHouse password of that user; never logged"
    )
    dashboard_token: SecretStr = Field(
        SecretStr(""), description="What lets one into the dashboard: at least 16 characters; never logged"
    )
    dashboard_proxy_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description="Header that a reverse proxy sets for whom it lets in, as `X-Forwarded-User`",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level that is logged"
    )
    log_format: LogFormat = Field(LogFormat.AUTO, description="`auto`, `console` or `json`")

    @model_validator(mode="after")
    def _securities_agree(self) -> Self:
        if problem := _kafka_problem(self) or _clickhouse_problem(self) or _dashboard_problem(self):
            raise ValueError(problem)
        return self

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *args: Any, **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then files that the environment names, then the environment."""
        return sources["init_settings"], SecretFiles(settings_cls), sources["env_settings"]

    @property
    def clickhouse_database(self) -> str:
        return urlsplit(self.clickhouse_url).path.strip("/")


def _kafka_problem(settings: Settings) -> str:
    """What of Kafka's settings does not go together, nothing if all does."""
    protocol = settings.kafka_security_protocol
    chosen = f"ENGAGE_KAFKA_SECURITY_PROTOCOL={protocol.value}"
    login = {
        "ENGAGE_KAFKA_SASL_USERNAME": settings.kafka_sasl_username,
        "ENGAGE_KAFKA_SASL_PASSWORD": settings.kafka_sasl_password.get_secret_value(),
    }
    files = {
        "ENGAGE_KAFKA_SSL_CAFILE": settings.kafka_ssl_cafile,
        "ENGAGE_KAFKA_SSL_CERTFILE": settings.kafka_ssl_certfile,
        "ENGAGE_KAFKA_SSL_KEYFILE": settings.kafka_ssl_keyfile,
    }
    for name, value in login.items():
        if protocol.logs_in and not value:
            return f"{name}: missing, {chosen} needs it"
        if value and not protocol.logs_in:
            return f"{name}: {chosen} does not log in; set `sasl_ssl`, or leave this out"
    for name, file in files.items():
        if file and not protocol.encrypts:
            return f"{name}: {chosen} does not encrypt; set `ssl` or `sasl_ssl`, or leave this out"
    if settings.kafka_ssl_keyfile and not settings.kafka_ssl_certfile:
        return "ENGAGE_KAFKA_SSL_CERTFILE: missing, ENGAGE_KAFKA_SSL_KEYFILE is of no use without it"
    return ""


def _clickhouse_problem(settings: Settings) -> str:
    if settings.clickhouse_ca_file and not settings.clickhouse_url.startswith("https:"):
        return "ENGAGE_CLICKHOUSE_CA_FILE: ENGAGE_CLICKHOUSE_URL does not begin with https://"
    return ""


def _dashboard_problem(settings: Settings) -> str:
    token = settings.dashboard_token.get_secret_value()
    if token and not (len(token) >= _TOKEN_CHARACTERS and token.isascii() and token.isprintable()):
        return f"ENGAGE_DASHBOARD_TOKEN: must be at least {_TOKEN_CHARACTERS} printable ASCII characters"
    return ""


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment; `None` overrides are left out.

    Raises:
        ConfigError: one line naming the variable, what is wrong with it and what it may be.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        text = first["msg"].removeprefix("Value error, ")
        # What concerns several settings names them itself.
        raise ConfigError(f"ENGAGE_{name}: {text}" if name else text) from None
