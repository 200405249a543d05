"""deploy/k8s: who may talk to whom. Whatever no policy names is refused."""

from __future__ import annotations

import pytest

from tests.deploy.manifests import POD_OWNERS, Resource, containers, needs_kubectl, one, pods

pytestmark = needs_kubectl


def test_nothing_comes_in_or_goes_out_unless_a_policy_says_so(resources: list[Resource]) -> None:
    closed = one(resources, "NetworkPolicy", "engagement-streams")["spec"]

    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert not closed.get("ingress")
    for item in resources:
        if item["kind"] in POD_OWNERS:
            labels = item["spec"]["template"]["metadata"]["labels"]
            assert closed["podSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize(
    ("policy", "ports", "not_to"),
    [
        ("engagement-to-kafka", {9092, 9093}, {"engagement-dashboard"}),
        ("engagement-to-clickhouse", {8123, 8443}, {"engagement-collector"}),
    ],
)
def test_who_asks_a_server_reaches_it_and_nobody_else(
    resources: list[Resource], policy: str, ports: set[int], not_to: set[str]
) -> None:
    spec = one(resources, "NetworkPolicy", policy)["spec"]
    (expression,) = spec["podSelector"]["matchExpressions"]
    (rule,) = spec["egress"]

    assert expression["operator"] == "In"
    assert set(expression["values"]) == set(pods(resources)) - not_to
    assert {item["port"] for item in rule["ports"]} == ports


def test_whatever_is_scraped_can_be_reached_by_prometheus(resources: list[Resource]) -> None:
    (rule,) = one(resources, "NetworkPolicy", "engagement-scrapes")["spec"]["ingress"]
    served = {
        port["containerPort"] for container in containers(resources) for port in container.get("ports", ())
    }

    assert {item["port"] for item in rule["ports"]} == served


@pytest.mark.parametrize(
    ("policy", "name"),
    [("engagement-events", "engagement-collector"), ("engagement-looks", "engagement-dashboard")],
)
def test_what_has_a_service_for_people_or_websites_can_be_reached_through_the_ingress(
    resources: list[Resource], policy: str, name: str
) -> None:
    spec = one(resources, "NetworkPolicy", policy)["spec"]
    (rule,) = spec["ingress"]
    (container,) = pods(resources)[name]["containers"]

    assert spec["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": name}
    assert [item["port"] for item in rule["ports"]] == [item["containerPort"] for item in container["ports"]]
    assert one(resources, "Service", name)["spec"]["selector"] == spec["podSelector"]["matchLabels"]
