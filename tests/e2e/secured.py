"""Kafka and ClickHouse as organisations run them: encrypted, by a private authority, with passwords."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.config import Settings, load_settings
from streams.embedded import kafka
from streams.embedded.child_process import spawn, terminate
from streams.embedded.ports import LOOPBACK, free_ports
from streams.kafka_admin import kafka_admin
from streams.kafka_security import brokers_of

USER, PASSWORD = "engage-user", "kafka-secret-5f1c"


class Certificates(NamedTuple):
    """PEM files: an authority, what it has issued for loopback, and an authority that nobody knows."""

    ca: Path
    certificate: Path
    key: Path
    foreign_ca: Path


class SecuredKafka(NamedTuple):
    """A broker with two listeners: SASL_SSL, and SSL for clients that show a certificate."""

    sasl_ssl: str
    ssl: str
    certificates: Certificates

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs in order to get in, by user and password."""
        return {
            "ENGAGE_KAFKA_BOOTSTRAP": self.sasl_ssl,
            "ENGAGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "ENGAGE_KAFKA_SASL_USERNAME": USER,
            "ENGAGE_KAFKA_SASL_PASSWORD": PASSWORD,
            "ENGAGE_KAFKA_SSL_CAFILE": str(self.certificates.ca),
            "ENGAGE_PARTITIONS": "2",
        }

    @property
    def environment_with_certificate(self) -> dict[str, str]:
        """The same, by a certificate."""
        return {
            "ENGAGE_KAFKA_BOOTSTRAP": self.ssl,
            "ENGAGE_KAFKA_SECURITY_PROTOCOL": "ssl",
            "ENGAGE_KAFKA_SSL_CAFILE": str(self.certificates.ca),
            "ENGAGE_KAFKA_SSL_CERTFILE": str(self.certificates.certificate),
            "ENGAGE_KAFKA_SSL_KEYFILE": str(self.certificates.key),
            "ENGAGE_PARTITIONS": "2",
        }


def make_certificates(directory: Path) -> Certificates:
    ca, foreign_ca = trustme.CA(), trustme.CA()
    issued = ca.issue_cert(LOOPBACK)
    made = Certificates(*(directory / name for name in ("ca.pem", "cert.pem", "key.pem", "foreign.pem")))
    ca.cert_pem.write_to_path(str(made.ca))
    foreign_ca.cert_pem.write_to_path(str(made.foreign_ca))
    made.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    # Java reads no other form.
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made


@contextmanager
def running_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """A broker with TLS and logins, until the block ends."""
    certificates = make_certificates(directory)
    sasl_port, ssl_port, controller_port = free_ports(3)
    broker = SecuredKafka(f"{LOOPBACK}:{sasl_port}", f"{LOOPBACK}:{ssl_port}", certificates)
    argv = kafka.prepare(
        directory / "data",
        sasl_port,
        controller_port,
        heap_mib=256,
        properties=_properties(broker, directory, f"CONTROLLER://{LOOPBACK}:{controller_port}"),
    )
    process = spawn(argv, directory / "kafka.log")
    try:
        with kafka_admin(brokers_of(settings_of(broker.environment)), timeout_seconds=60) as admin:
            admin.describe_cluster()
        yield broker
    finally:
        terminate([process], grace_seconds=30)


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings that a command with this environment has."""
    return load_settings(
        **{name.removeprefix("ENGAGE_").lower(): value for name, value in environment.items()}
    )


def _properties(broker: SecuredKafka, directory: Path, controller: str) -> dict[str, str]:
    keystore = directory / "keystore.pem"
    keystore.write_bytes(broker.certificates.key.read_bytes() + broker.certificates.certificate.read_bytes())
    listeners = f"SASL_SSL://{broker.sasl_ssl},SSL://{broker.ssl}"
    modules = "org.apache.kafka.common.security"
    return {
        "listeners": f"{listeners},{controller}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SSL",
        "listener.name.ssl.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(broker.certificates.ca),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": (
            f'{modules}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        ),
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            f"{modules}.scram.ScramLoginModule required;"
        ),
    }


@contextmanager
def tls_in_front_of(port: int, certificates: Certificates) -> Iterator[int]:
    """A port on loopback that speaks TLS and passes everything on to another one, in plain text."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve() -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there = await asyncio.open_connection(LOOPBACK, port)
            await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))

        return await asyncio.start_server(connected, LOOPBACK, 0, ssl=context)

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Ended(NamedTuple):
    """A command that has ended."""

    status: int
    out: str
    err: str


def engage(environment: Mapping[str, str], *arguments: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
