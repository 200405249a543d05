"""deploy/k8s as `kubectl kustomize` builds it, read."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

Resource = dict[str, Any]

_K8S: Final = Path(__file__).resolve().parents[2] / "deploy" / "k8s"
BUILDS: Final = {"base": _K8S / "base", "example": _K8S / "overlays" / "example"}
POD_OWNERS: Final = {"StatefulSet", "Deployment", "Job"}

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


def build(name: str) -> list[Resource]:
    built = subprocess.run(
        ["kubectl", "kustomize", str(BUILDS[name])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "KUBECONFIG": os.devnull},
    )
    return [one for one in yaml.safe_load_all(built.stdout) if one]


def pods(resources: list[Resource]) -> dict[str, Resource]:
    """Pod specs by the name of their owner."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in resources
        if one["kind"] in POD_OWNERS
    }


def containers(resources: list[Resource]) -> list[Resource]:
    return [
        one
        for pod in pods(resources).values()
        for one in [*pod.get("initContainers", ()), *pod["containers"]]
    ]


def one(resources: list[Resource], kind: str, name: str) -> Resource:
    (found,) = [item for item in resources if item["kind"] == kind and item["metadata"]["name"] == name]
    return found
