"""Whether Kafka lets us in, and if not, why: its clients try until their time is up and do not say."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

from streams.errors import KafkaUnavailable
from streams.kafka_security import Brokers

_ANSWER_MS: Final = 5_000


async def why_unavailable(brokers: Brokers) -> KafkaUnavailable | None:
    """Connect, encrypt and log in as every client does, and leave.

    Returns None if a broker lets us in, else why the last one does not: `KafkaRefused` unless that may pass.
    """
    problem = None
    for server in brokers.servers:
        problem = await _greet(brokers, server)
        if problem is None:
            return None
    return problem


async def _greet(brokers: Brokers, server: str) -> KafkaUnavailable | None:
    try:
        await _come_and_go(brokers, server)
    except ssl.SSLError as error:
        return brokers.without_tls(error)
    except (TimeoutError, asyncio.TimeoutError):
        return brokers.unanswered("no answer in time")
    except ConnectionResetError:
        return brokers.unanswered("it hung up")
    except OSError:
        return brokers.unavailable("nobody listens there")
    except SaslAuthenticationFailed:
        return brokers.wrong_login()
    except UnsupportedSaslMechanismError:
        return brokers.wrong_mechanism()
    except KafkaError as error:
        # With TLS 1.3 a client learns of what is wrong with its certificate when it has asked already.
        alert = error.__cause__
        return (
            brokers.without_tls(alert)
            if isinstance(alert, ssl.SSLError)
            else brokers.unanswered(type(error).__name__)
        )
    return None


async def _come_and_go(brokers: Brokers, server: str) -> None:
    host, _, port = server.rpartition(":")
    arguments = {name: value for name, value in brokers.arguments.items() if name != "bootstrap_servers"}
    connection = AIOKafkaConnection(host.strip("[]"), int(port), request_timeout_ms=_ANSWER_MS, **arguments)
    try:
        await connection.connect()
    except KafkaError:
        await connection.close()
        raise
    await connection.close()
