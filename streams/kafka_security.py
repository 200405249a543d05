"""How Kafka is spoken to: encrypted or not, with or without a login. Every client gets its arguments here."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from streams.config import SaslMechanism, Settings
from streams.errors import ConfigError, KafkaRefused, KafkaUnavailable

if TYPE_CHECKING:
    from faust.auth import Credentials

# Without any handler Python prints the clients' warnings beside the one line that is raised.
for _library in ("kafka", "aiokafka"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Login:
    """A user of Kafka's, over SASL."""

    username: str
    password: SecretStr
    mechanism: SaslMechanism = SaslMechanism.PLAIN


@dataclass(frozen=True)
class Brokers:
    """Where Kafka is, `host:port,…`, and how it is spoken to: in plain text unless it says otherwise."""

    bootstrap: str
    login: Login | None = None
    tls: ssl.SSLContext | None = None

    @property
    def servers(self) -> list[str]:
        """Each `host:port`."""
        return [server.strip() for server in self.bootstrap.split(",")]

    @property
    def is_plain(self) -> bool:
        """Neither encrypted nor with a login."""
        return self.login is None and self.tls is None

    @property
    def arguments(self) -> dict[str, Any]:
        """For any client of aiokafka and of kafka-python, which name them alike. Not to be logged."""
        login = {
            "sasl_mechanism": self.login.mechanism.value,
            "sasl_plain_username": self.login.username,
            "sasl_plain_password": self.login.password.get_secret_value(),
        } if self.login else {}  # fmt: skip
        protocol = ("SASL_" if self.login else "") + ("SSL" if self.tls else "PLAINTEXT")
        return {
            "bootstrap_servers": self.servers,
            "security_protocol": protocol,
            "ssl_context": self.tls,
            **login,
        }

    def unavailable(self, reason: str) -> KafkaUnavailable:
        """Nobody answers as Kafka does."""
        return KafkaUnavailable(
            f"Kafka at {self.bootstrap} does not serve ({reason}). "
            "Start it (`engage up`) or set ENGAGE_KAFKA_BOOTSTRAP."
        )

    def unanswered(self, reason: str) -> KafkaUnavailable:
        """Somebody listens and does not answer, as a broker that is spoken to in another protocol."""
        protocol = self.arguments["security_protocol"].lower()
        return KafkaUnavailable(
            f"Kafka at {self.bootstrap} does not serve ({reason}). See that it is up, and that it expects "
            f"ENGAGE_KAFKA_SECURITY_PROTOCOL={protocol} at ENGAGE_KAFKA_BOOTSTRAP."
        )

    def wrong_login(self) -> KafkaRefused:
        """User or password is wrong."""
        user = self.login.username if self.login else "nobody"
        return KafkaRefused(
            f"Kafka at {self.bootstrap} refuses the login of {user}: "
            "see ENGAGE_KAFKA_SASL_USERNAME and ENGAGE_KAFKA_SASL_PASSWORD."
        )

    def wrong_mechanism(self) -> KafkaRefused:
        """There are logins, but none of this kind."""
        mechanism = self.login.mechanism.value if self.login else "none"
        return KafkaRefused(
            f"Kafka at {self.bootstrap} has no login by {mechanism}: set ENGAGE_KAFKA_SASL_MECHANISM."
        )

    def without_tls(self, error: ssl.SSLError) -> KafkaRefused:
        """One side does not trust the other, or one of them does not speak TLS."""
        reason = getattr(error, "verify_message", "") or error.reason or type(error).__name__
        if isinstance(error, ssl.SSLCertVerificationError):
            problem, advice = "its certificate is not trusted", "ENGAGE_KAFKA_SSL_CAFILE names whom to trust"
        elif "ALERT" in reason and "CERTIFICATE" in reason:
            problem, advice = "it asks for another certificate", "set ENGAGE_KAFKA_SSL_CERTFILE"
        else:
            problem, advice = "no TLS", "see ENGAGE_KAFKA_SECURITY_PROTOCOL"
        return KafkaRefused(f"Kafka at {self.bootstrap}: {problem} ({reason}); {advice}.")


def brokers_of(settings: Settings) -> Brokers:
    """The brokers of the settings.

    Raises:
        ConfigError: a file of a certificate or key does not hold one.
    """
    protocol = settings.kafka_security_protocol
    login = Login(settings.kafka_sasl_username, settings.kafka_sasl_password, settings.kafka_sasl_mechanism)
    tls = tls_context(
        settings.kafka_ssl_cafile, settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile
    ) if protocol.encrypts else None  # fmt: skip
    return Brokers(settings.kafka_bootstrap, login if protocol.logs_in else None, tls)


def tls_context(
    cafile: Path | None = None, certfile: Path | None = None, keyfile: Path | None = None
) -> ssl.SSLContext:
    """TLS that checks the broker's name and certificate, against the system's authorities without `cafile`.

    `certfile` and `keyfile` are what this client shows, both PEM; the certificate's file may hold the key.

    Raises:
        ConfigError: a file does not hold what it should.
    """
    try:
        context = ssl.create_default_context(cafile=cafile)
    except (OSError, ssl.SSLError):
        raise ConfigError(f"ENGAGE_KAFKA_SSL_CAFILE: {cafile} is not a file of PEM certificates") from None
    if certfile:
        try:
            # A password would be asked for on the terminal.
            context.load_cert_chain(certfile, keyfile, password="")
        except (OSError, ssl.SSLError):
            raise ConfigError(
                f"ENGAGE_KAFKA_SSL_CERTFILE: {certfile} and its key, {keyfile or 'in the same file'}, are "
                "not a PEM certificate and its unencrypted key"
            ) from None
    return context


def faust_credentials(brokers: Brokers) -> Credentials | None:
    """The same for Faust, None for plain text."""
    # Commands that need no Faust should not wait for its import.
    from faust.auth import SASLCredentials, SSLCredentials

    if brokers.login:
        return SASLCredentials(
            username=brokers.login.username,
            password=brokers.login.password.get_secret_value(),
            mechanism=brokers.login.mechanism.value,
            ssl_context=brokers.tls,
        )
    return SSLCredentials(context=brokers.tls) if brokers.tls else None
