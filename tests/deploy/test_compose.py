"""docker-compose.yml cannot run in this suite: it is compared with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from streams.cli import COMMANDS
from streams.config import Settings, load_settings
from streams.dashboard.access import Access

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

# Not a setting: the password that Grafana has for `bi_reader`.
DOCUMENTED_EXTRAS = {"ENGAGE_BI_READER_PASSWORD"}
# The containers and the host reach the broker through listeners of their own.
DIFFERS_WITH_DOCKER = {"listener.security.protocol.map"}
OURS = [name for name, service in SERVICES.items() if "build" in service]
SERVERS = [name for name in SERVICES if name not in OURS]
ONCE = ["topics", "migrate", "roles"]
LONG_RUNNING = [name for name in SERVICES if name not in ONCE]
# It asks ClickHouse only, as a user of its own.
DASHBOARD = SERVICES["dashboard"]["environment"]
# Their images write configuration to their own root file system when they start.
WRITE_TO_THEIR_ROOT = {"kafka", "clickhouse"}


def with_defaults(text: str) -> str:
    """`${NAME:-default}` as Compose resolves it when NAME is not set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def kafka_properties() -> dict[str, str]:
    lines = (ROOT / "streams" / "embedded" / "kafka.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_engage_variable_is_a_setting_or_a_documented_extra() -> None:
    used = set(re.findall(r"\bENGAGE_[A-Z_]+", COMPOSE_TEXT))
    known = {f"ENGAGE_{name.upper()}" for name in Settings.model_fields}

    assert used
    assert used - known - DOCUMENTED_EXTRAS == set()


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    assert SERVICES[name]["command"][0] in COMMANDS


def test_commands_in_the_comments_exist() -> None:
    commands = re.findall(r"docker compose run --rm \w+ (\w+)", COMPOSE_TEXT)

    assert commands
    assert set(commands) <= set(COMMANDS)


@pytest.mark.parametrize("name", OURS)
def test_the_settings_of_every_service_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, with_defaults(str(value)))

    settings = load_settings()

    assert settings.kafka_bootstrap == "kafka:19092" or name == "dashboard"
    assert settings.clickhouse_url == "http://clickhouse:8123/engagement"


def test_the_worker_and_clickhouse_agree_on_user_and_password() -> None:
    worker, clickhouse = SERVICES["worker"]["environment"], SERVICES["clickhouse"]["environment"]

    assert worker["ENGAGE_CLICKHOUSE_USER"] == clickhouse["CLICKHOUSE_USER"]
    assert worker["ENGAGE_CLICKHOUSE_PASSWORD"] == clickhouse["CLICKHOUSE_PASSWORD"]


def test_the_dashboard_lets_nobody_in_without_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    command = SERVICES["dashboard"]["command"]
    host = command[command.index("--host") + 1]
    monkeypatch.setenv("ENGAGE_DASHBOARD_TOKEN", with_defaults(DASHBOARD["ENGAGE_DASHBOARD_TOKEN"]))

    assert not Access.of(load_settings(), host).is_open


def test_the_readme_names_the_token_that_holds_unless_another_is_set() -> None:
    token = with_defaults(DASHBOARD["ENGAGE_DASHBOARD_TOKEN"])

    assert f"(token: `{token}`)" in (ROOT / "README.md").read_text()


def test_the_dashboard_knows_the_password_of_its_own_user_only() -> None:
    secrets = {name for name in DASHBOARD if re.search("PASSWORD|TOKEN|SECRET", name)}

    assert secrets == {"ENGAGE_DASHBOARD_CLICKHOUSE_PASSWORD", "ENGAGE_DASHBOARD_TOKEN"}


def test_the_users_of_grafana_and_the_dashboard_are_made_with_the_passwords_that_these_have() -> None:
    """Each with its file in sql/roles, and the parameter that the file asks for."""
    script, made_with = SERVICES["roles"]["command"][0], SERVICES["roles"]["environment"]
    (files,) = re.findall(r"for file in ([\w ]+);", script)
    given = dict(re.findall(r'--param_(\w+)="\$\$\(sha256 "\$\$(\w+)"\)"', script))
    texts = "".join((ROOT / "sql" / "roles" / f"{file}.sql").read_text() for file in files.split())

    assert set(re.findall(r"\{(\w+):String\}", texts)) == set(given)
    assert re.findall(r"^CREATE USER IF NOT EXISTS (\w+)", texts, re.MULTILINE) == [
        "bi_reader",
        DASHBOARD["ENGAGE_DASHBOARD_CLICKHOUSE_USER"],
    ]
    for service in ("grafana", "dashboard"):
        environment = SERVICES[service]["environment"]
        (password,) = set(given.values()) & set(environment)
        assert environment[password] == made_with[password]
        assert "roles" in SERVICES[service]["depends_on"]


def test_the_broker_is_set_up_as_the_embedded_one() -> None:
    environment = SERVICES["kafka"]["environment"]

    for name, value in kafka_properties().items():
        if name not in DIFFERS_WITH_DOCKER:
            assert environment[f"KAFKA_{name.upper().replace('.', '_')}"] == value


def test_the_broker_is_the_kafka_of_the_pom() -> None:
    pom = ElementTree.parse(ROOT / "streams" / "embedded" / "pom.xml")
    dependency = "m:dependencies/m:dependency[m:groupId='org.apache.kafka']/m:version"
    version = pom.findtext(dependency, namespaces={"m": "http://maven.apache.org/POM/4.0.0"})

    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"


def test_the_clickhouse_server_is_of_the_release_of_chdb() -> None:
    constraints = (ROOT / "constraints.txt").read_text()
    release = re.search(r"^chdb-core==(\d+\.\d+)\.", constraints, re.MULTILINE)

    assert release is not None
    assert SERVICES["clickhouse"]["image"].startswith(f"clickhouse/clickhouse-server:{release[1]}.")


@pytest.mark.parametrize("image", [SERVICES[name]["image"] for name in SERVERS])
def test_images_are_pinned_to_an_exact_version(image: str) -> None:
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?", image)


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_long_running_services_are_restarted_and_have_a_health_check(name: str) -> None:
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    if name in OURS:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/(livez|readyz)", service["environment"]["HEALTH_URL"])
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_volumes_are_named_or_files_of_this_repository_that_nobody_writes_to(name: str) -> None:
    for volume in SERVICES[name].get("volumes", ()):
        source, _, mode = with_defaults(volume).partition(":")
        assert source in COMPOSE["volumes"] or (source.startswith("./") and mode.endswith(":ro"))


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", ()))


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_has_privileges(name: str) -> None:
    service = SERVICES[name]

    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    assert bool(service.get("read_only")) == (name not in WRITE_TO_THEIR_ROOT)


def test_a_password_has_one_default_wherever_it_is_named() -> None:
    found = re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN)):-([^}]*)\}", COMPOSE_TEXT)

    assert {name for name, _ in found} >= {
        "ENGAGE_CLICKHOUSE_PASSWORD",
        "ENGAGE_BI_READER_PASSWORD",
        "ENGAGE_DASHBOARD_CLICKHOUSE_PASSWORD",
        "ENGAGE_DASHBOARD_TOKEN",
    }
    assert len(dict(found)) == len(set(found))


def test_prometheus_and_grafana_find_what_they_ask() -> None:
    """Names and ports as deploy/prometheus and deploy/grafana have them."""
    assert SERVICES["worker"]["environment"]["ENGAGE_METRICS_PORT"] == "9309"
    for name, port in (("worker", 9309), ("collector", 8090), ("lag-exporter", 9308), ("dashboard", 8088)):
        assert f":{port}/" in SERVICES[name]["environment"]["HEALTH_URL"]


def test_the_worker_waits_for_topics_and_tables() -> None:
    waits = {name: how["condition"] for name, how in SERVICES["worker"]["depends_on"].items()}

    assert waits == dict.fromkeys(("topics", "migrate"), "service_completed_successfully")
