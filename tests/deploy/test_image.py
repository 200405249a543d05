"""The Dockerfile cannot run in this suite: it is compared with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from streams.config import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


def test_every_engage_variable_is_a_setting() -> None:
    used = set(re.findall(r"\bENGAGE_[A-Z_]+", DOCKERFILE))

    assert used
    assert used <= {f"ENGAGE_{name.upper()}" for name in Settings.model_fields}


def test_base_images_are_pinned_to_an_exact_version() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert len(images) == 2
    assert all(re.match(r"python:\d+\.\d+\.\d+-slim-\w+", image) for image in images)


def test_the_image_runs_as_a_user_without_rights() -> None:
    final_stage = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.findall(r"^USER (\d+)", final_stage, re.MULTILINE) == ["10001"]


def test_what_runs_has_no_tools_to_build_or_install_with() -> None:
    build, final_stage = DOCKERFILE.split("\nFROM ")[-2:]

    assert "pip uninstall --yes pip setuptools" in build
    assert "pip uninstall" in final_stage
    assert not re.search(r"pip install|apt-get|COPY (?!--from=build)", final_stage)


def test_the_image_has_what_its_services_import_and_no_server_of_one_machine() -> None:
    extras = re.findall(r"pip install .*'\.\[([\w,]+)\]'", DOCKERFILE)

    assert [set(text.split(",")) for text in extras] == [{"collector", "dashboard"}] * 2


def test_the_image_has_a_health_check_without_a_shell() -> None:
    command = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)

    assert command is not None
    assert json.loads(command[1]) == ["python", "/opt/engage/healthy.py"]


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
