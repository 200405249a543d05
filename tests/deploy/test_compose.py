"""docker-compose.yml and the Dockerfile cannot run in this suite: they are compared with the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from streams.cli import COMMANDS
from streams.config import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()

# Not a setting: the file that `engage worker` creates once it serves.
DOCUMENTED_EXTRAS = {"ENGAGE_READY_FILE"}
# The containers and the host reach the broker through listeners of their own.
DIFFERS_WITH_DOCKER = {"listener.security.protocol.map"}
OURS = [name for name, service in SERVICES.items() if "build" in service]
SERVERS = [name for name in SERVICES if name not in OURS]
LONG_RUNNING = [*SERVERS, "worker"]


def with_defaults(text: str) -> str:
    """`${NAME:-default}` as Compose resolves it when NAME is not set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def kafka_properties() -> dict[str, str]:
    lines = (ROOT / "streams" / "embedded" / "kafka.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_engage_variable_is_a_setting_or_a_documented_extra() -> None:
    used = set(re.findall(r"\bENGAGE_[A-Z_]+", COMPOSE_TEXT + DOCKERFILE))
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

    assert settings.kafka_bootstrap == "kafka:19092"
    assert settings.clickhouse_url == "http://clickhouse:8123/engagement"


def test_the_worker_and_clickhouse_agree_on_user_and_password() -> None:
    worker, clickhouse = SERVICES["worker"]["environment"], SERVICES["clickhouse"]["environment"]

    assert worker["ENGAGE_CLICKHOUSE_USER"] == clickhouse["CLICKHOUSE_USER"]
    assert worker["ENGAGE_CLICKHOUSE_PASSWORD"] == clickhouse["CLICKHOUSE_PASSWORD"]


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
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?", image)


def test_base_images_are_pinned_to_an_exact_version() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert len(images) == 2
    assert all(re.match(r"python:\d+\.\d+\.\d+-slim-\w+", image) for image in images)


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_long_running_services_have_a_health_check_and_a_named_volume(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] == "CMD"
    assert {volume.split(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SERVERS)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_the_worker_waits_for_topics_and_tables() -> None:
    waits = {name: how["condition"] for name, how in SERVICES["worker"]["depends_on"].items()}

    assert waits == dict.fromkeys(("topics", "migrate"), "service_completed_successfully")


def test_the_image_runs_as_a_user_without_rights() -> None:
    final_stage = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.findall(r"^USER (\w+)", final_stage, re.MULTILINE) == ["engage"]


def test_everything_that_is_copied_exists_and_passes_dockerignore() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    sources = {source for line in copied for source in line.split()}
    assert sources == allowed
    assert all((ROOT / source).exists() for source in sources)
