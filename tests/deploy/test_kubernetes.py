"""deploy/k8s as `kubectl kustomize` builds it: valid by its schemas, confined, and true to the code."""

from __future__ import annotations

import re

import kubernetes_validate
import pytest
import yaml

from streams.cli import COMMANDS
from streams.config import Settings, load_settings
from tests.deploy.manifests import BUILDS, Resource, containers, needs_kubectl, one, pods

#: Of a custom resource there is no schema in Kubernetes.
CUSTOM = {"ScaledObject"}

pytestmark = needs_kubectl


def settings_of(resources: list[Resource], container: Resource) -> dict[str, str]:
    """What the container finds in its environment; values from elsewhere are as long as a token."""
    maps = {item["metadata"]["name"]: item["data"] for item in resources if item["kind"] == "ConfigMap"}
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        found.update(maps[source["configMapRef"]["name"]])
    found.update({item["name"]: item.get("value", 16 * "x") for item in container.get("env", ())})
    return found


@pytest.mark.parametrize("version", ["1.33", "1.37"])
def test_every_resource_is_valid_by_the_schema_of_kubernetes(resources: list[Resource], version: str) -> None:
    checked = [item for item in resources if item["kind"] not in CUSTOM]

    assert len(checked) >= 18
    for item in checked:
        kubernetes_validate.validate(item, version, strict=True)


def test_every_command_exists(resources: list[Resource]) -> None:
    assert {container["args"][0] for container in containers(resources)} <= set(COMMANDS)


def test_every_setting_is_known_and_valid(resources: list[Resource], monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"ENGAGE_{name.upper()}" for name in Settings.model_fields}
    for container in containers(resources):
        given = settings_of(resources, container)
        assert set(given) <= known
        with monkeypatch.context() as environment:
            for name, value in given.items():
                environment.setenv(name, value)
            load_settings()


def test_no_container_has_rights(resources: list[Resource]) -> None:
    for pod in pods(resources).values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
    for container in containers(resources):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_every_container_says_what_it_needs(resources: list[Resource]) -> None:
    for container in containers(resources):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_whatever_runs_on_is_probed(resources: list[Resource]) -> None:
    running = [item for item in resources if item["kind"] in {"StatefulSet", "Deployment"}]

    assert len(running) == 4
    for item in running:
        (container,) = item["spec"]["template"]["spec"]["containers"]
        ports = {port["name"] for port in container["ports"]}
        for probe, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
            asked = container[f"{probe}Probe"]["httpGet"]
            assert asked["path"] == path
            assert asked["port"] in ports


def test_no_secret_is_in_the_manifests(resources: list[Resource]) -> None:
    assert all(item["kind"] != "Secret" for item in resources)
    for container in containers(resources):
        for variable in container.get("env", ()):
            if re.search("PASSWORD|USER|TOKEN", variable["name"]):
                assert "secretKeyRef" in variable["valueFrom"]


def test_a_worker_is_itself_after_a_restart(resources: list[Resource]) -> None:
    worker = one(resources, "StatefulSet", "engagement-worker")
    pod = worker["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {item["name"]: item for item in container["env"]}

    reference = variables["ENGAGE_INSTANCE_ID"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert reference == "metadata.name"
    assert pod["terminationGracePeriodSeconds"] > 20
    (claim,) = worker["spec"]["volumeClaimTemplates"]
    mounts = {item["name"]: item["mountPath"] for item in container["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == variables["ENGAGE_DATA_DIR"]["value"]


def test_disruptions_take_one_pod_at_a_time(resources: list[Resource]) -> None:
    budgets = [item for item in resources if item["kind"] == "PodDisruptionBudget"]
    labels = [
        item["spec"]["template"]["metadata"]["labels"]
        for item in resources
        if item["kind"] in {"StatefulSet", "Deployment"}
    ]

    assert len(budgets) == len(labels) == 4
    for budget in budgets:
        wanted = budget["spec"]["selector"]["matchLabels"].items()
        assert budget["spec"]["maxUnavailable"] == 1
        assert sum(wanted <= label.items() for label in labels) == 1


def test_the_dashboard_has_its_own_secrets_and_no_others(resources: list[Resource]) -> None:
    (container,) = pods(resources)["engagement-dashboard"]["containers"]

    assert {item["name"]: item["valueFrom"]["secretKeyRef"]["name"] for item in container["env"]} == {
        "ENGAGE_DASHBOARD_CLICKHOUSE_USER": "engagement-clickhouse-dashboard",
        "ENGAGE_DASHBOARD_CLICKHOUSE_PASSWORD": "engagement-clickhouse-dashboard",
        "ENGAGE_DASHBOARD_TOKEN": "engagement-dashboard-token",
    }


def test_keda_asks_for_no_more_workers_than_partitions() -> None:
    scaled = yaml.safe_load((BUILDS["example"] / "scaled-object.yaml").read_text())["spec"]
    overlay = (BUILDS["example"] / "kustomization.yaml").read_text()
    partitions = re.search(r"ENGAGE_PARTITIONS=(\d+)", overlay)

    assert partitions is not None
    assert scaled["maxReplicaCount"] == int(partitions[1])
    (trigger,) = scaled["triggers"]
    assert "kafka_consumergroup_lag{" in trigger["metadata"]["query"]
