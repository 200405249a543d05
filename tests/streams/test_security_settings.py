"""Settings of security: what does not go together is one line, and a secret may stand in a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from streams.config import load_settings
from streams.errors import ConfigError
from streams.kafka_security import brokers_of, faust_credentials

LOGIN = {"ENGAGE_KAFKA_SASL_USERNAME": "engage", "ENGAGE_KAFKA_SASL_PASSWORD": "a-secret"}
SASL = {"ENGAGE_KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}


def say(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        (SASL, "ENGAGE_KAFKA_SASL_USERNAME: missing, ENGAGE_KAFKA_SECURITY_PROTOCOL=sasl_ssl needs it"),
        (SASL | {"ENGAGE_KAFKA_SASL_USERNAME": "engage"}, "ENGAGE_KAFKA_SASL_PASSWORD: missing"),
        (LOGIN, "ENGAGE_KAFKA_SASL_USERNAME: ENGAGE_KAFKA_SECURITY_PROTOCOL=plaintext does not log in"),
        ({"ENGAGE_KAFKA_SECURITY_PROTOCOL": "tls"}, "ENGAGE_KAFKA_SECURITY_PROTOCOL: .*'sasl_ssl'"),
        (
            {"ENGAGE_KAFKA_SSL_CAFILE": "/no/such.pem"},
            "ENGAGE_KAFKA_SSL_CAFILE: there is no file /no/such.pem",
        ),
        ({"ENGAGE_KAFKA_SSL_CAFILE": __file__}, "ENGAGE_KAFKA_SSL_CAFILE: .*=plaintext does not encrypt"),
        (
            {"ENGAGE_KAFKA_SECURITY_PROTOCOL": "ssl", "ENGAGE_KAFKA_SSL_KEYFILE": __file__},
            "ENGAGE_KAFKA_SSL_CERTFILE: missing",
        ),
        ({"ENGAGE_CLICKHOUSE_CA_FILE": __file__}, "ENGAGE_CLICKHOUSE_CA_FILE: .*https://"),
        (
            {"ENGAGE_CLICKHOUSE_URL": "http://me:a-secret@127.0.0.1:8123/engagement"},
            "ENGAGE_CLICKHOUSE_URL: must not name the user",
        ),
        (
            LOGIN | SASL | {"ENGAGE_KAFKA_SASL_PASSWORD_FILE": __file__},
            "ENGAGE_KAFKA_SASL_PASSWORD: given as ENGAGE_KAFKA_SASL_PASSWORD_FILE as well",
        ),
        (
            {"ENGAGE_CLICKHOUSE_PASSWORD_FILE": "/no/such"},
            "ENGAGE_CLICKHOUSE_PASSWORD_FILE: /no/such cannot be read",
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], says: str
) -> None:
    say(monkeypatch, environment)

    with pytest.raises(ConfigError, match=f"^{says}") as caught:
        load_settings()

    assert "\n" not in str(caught.value)
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize("setting", ["CAFILE", "CERTFILE"])
def test_a_file_that_holds_no_certificate_is_named(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    say(monkeypatch, {"ENGAGE_KAFKA_SECURITY_PROTOCOL": "SSL", f"ENGAGE_KAFKA_SSL_{setting}": __file__})

    with pytest.raises(ConfigError, match=f"^ENGAGE_KAFKA_SSL_{setting}: {__file__}"):
        brokers_of(load_settings())


@pytest.mark.parametrize("content", ["from-a-file", "from-a-file\n", "from-a-file\r\n"])
def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_bytes(content.encode())
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_PASSWORD_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_PASSWORD", "")

    assert load_settings().clickhouse_password.get_secret_value() == "from-a-file"


def test_no_text_of_settings_or_brokers_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {**LOGIN, **SASL, "ENGAGE_CLICKHOUSE_PASSWORD": "a-secret"})
    settings = load_settings()
    brokers = brokers_of(settings)

    texts = [repr(settings), str(settings), settings.model_dump_json(), repr(brokers)]
    assert [text for text in texts if "a-secret" in text] == []
    assert "a-secret" not in repr(faust_credentials(brokers))


@pytest.mark.parametrize(
    ("protocol", "login", "expected"),
    [
        ("plaintext", {}, "PLAINTEXT"),
        ("SSL", {}, "SSL"),
        ("sasl_plaintext", LOGIN, "SASL_PLAINTEXT"),
        ("sasl_ssl", LOGIN, "SASL_SSL"),
    ],
)
def test_every_protocol_reaches_every_client(
    monkeypatch: pytest.MonkeyPatch, protocol: str, login: dict[str, str], expected: str
) -> None:
    say(monkeypatch, {"ENGAGE_KAFKA_SECURITY_PROTOCOL": protocol, **login})
    brokers = brokers_of(load_settings())

    faust = faust_credentials(brokers)
    assert brokers.arguments["security_protocol"] == expected
    assert (faust.protocol.value if faust else "PLAINTEXT") == expected
    assert (brokers.tls is not None) == ("SSL" in expected.removeprefix("SASL"))


def test_an_encrypted_key_is_refused_and_not_asked_for(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    subprocess.run(
        ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", "key.pem", "-out", "locked.pem"],
        cwd=tmp_path,
        check=True,
    )
    certificate, key = tmp_path / "cert.pem", tmp_path / "locked.pem"
    load = "import sys; from streams.kafka_security import tls_context; tls_context(None, *sys.argv[1:])"
    command = [sys.executable, "-c", load, str(certificate), str(key)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert "unencrypted key" in done.stderr
