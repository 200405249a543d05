"""How the servers of this machine are spoken to, whatever the environment says of others."""

from __future__ import annotations

from typing import Final

#: Settings, as text: plain text on loopback, without a login.
UNSECURED: Final = {
    "kafka_security_protocol": "plaintext",
    "kafka_sasl_username": "",
    "kafka_sasl_password": "",
    "kafka_ssl_cafile": "",
    "kafka_ssl_certfile": "",
    "kafka_ssl_keyfile": "",
    "clickhouse_user": "default",
    "clickhouse_password": "",
    "clickhouse_ca_file": "",
}

#: The same for the environment of a child. An empty variable counts as none.
UNSECURED_ENVIRONMENT: Final = {
    **{f"ENGAGE_{name.upper()}": value for name, value in UNSECURED.items()},
    "ENGAGE_KAFKA_SASL_PASSWORD_FILE": "",
    "ENGAGE_CLICKHOUSE_PASSWORD_FILE": "",
}
