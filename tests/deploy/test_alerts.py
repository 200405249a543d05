"""The alerts are valid, tested, and about metrics that are served."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest
import yaml

from tests.deploy.alert_rules import ALERTS, PROMETHEUS, RULES, unknown_names
from tests.deploy.promtool import needs_prometheus, promtool

CONFIGS = sorted(PROMETHEUS.glob("prometheus*.yml"))


def jobs(config: Any) -> dict[str, list[str]]:
    return {
        job["job_name"]: [target for group in job["static_configs"] for target in group["targets"]]
        for job in config["scrape_configs"]
    }


@needs_prometheus
def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    checked = promtool("check", "rules", "--lint-fatal", PROMETHEUS / "rules.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_prometheus
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_promtool_finds_nothing_wrong_with_the_configuration(config: Any) -> None:
    checked = promtool("check", "config", config)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_prometheus
def test_every_alert_fires_and_does_not_fire_as_written() -> None:
    tested = promtool("test", "rules", PROMETHEUS / "rules_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_seen_to_fire_and_not_to() -> None:
    outcomes: dict[str, set[bool]] = defaultdict(set)
    for test in yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]:
        for expected in test["alert_rule_test"]:
            outcomes[expected["alertname"]].add(bool(expected["exp_alerts"]))

    assert outcomes == {name: {True, False} for name in ALERTS}


def test_no_two_alerts_have_one_name() -> None:
    assert len(ALERTS) == len(RULES)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_users_notice_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"deploy/RUNBOOK.md#{name.lower()}"
    assert "for" in rule


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_about_metrics_that_are_served(name: str) -> None:
    assert unknown_names(ALERTS[name]["expr"]) == set()


def test_a_metric_that_nobody_serves_is_noticed() -> None:
    assert unknown_names('sum by (x) (rate(engagement_made_up_total{y="up"}[5m])) > 0') == {
        "engagement_made_up_total"
    }


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_the_jobs_that_the_alerts_name_are_scraped(config: Any) -> None:
    named = {job for rule in RULES for job in re.findall(r'job="([^"]+)"', rule["expr"])}

    assert named == set(jobs(yaml.safe_load(config.read_text())))


def test_both_configurations_differ_in_hosts_only() -> None:
    by_file = [jobs(yaml.safe_load(config.read_text())) for config in CONFIGS]
    ports = [
        {job: [target.rpartition(":")[2] for target in targets] for job, targets in found.items()}
        for found in by_file
    ]

    assert len(ports) == 2
    assert ports[0] == ports[1]
