"""Tools that know these formats better than we do find nothing to say."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Documents need no `---`, and maps on one line no spaces.
YAMLLINT = (
    "{extends: default, rules: {document-start: disable, braces: disable, comments: disable, "
    "comments-indentation: disable, truthy: {check-keys: false}, line-length: {max: 130}, "
    "octal-values: enable}}"
)
TOOLS = {
    "hadolint": ["deploy/docker/Dockerfile"],
    "yamllint": ["--strict", "--config-data", YAMLLINT, "docker-compose.yml", "deploy"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_it_finds_nothing(tool: str) -> None:
    command = [str(Path(sysconfig.get_path("scripts")) / tool), *TOOLS[tool]]

    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)

    assert found.returncode == 0, found.stdout + found.stderr
