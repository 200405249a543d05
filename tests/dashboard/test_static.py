"""The pure modules of the page, by Node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.dashboard.pages import STATIC, modules

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="node is not installed: the page's modules are not tested")
@pytest.mark.parametrize("file", sorted((HERE / "static").glob("*.test.mjs")), ids=lambda path: path.name)
def test_module_of_the_page(file: Path) -> None:
    ended = subprocess.run([str(NODE), "--test", str(file)], capture_output=True, text=True, timeout=60)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_module_writes_markup_or_style_attributes() -> None:
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", '"style"')
    found = [(file.name, word) for file in modules() for word in forbidden if word in file.read_text("utf-8")]

    assert found == []


def test_pages_have_no_inline_script_or_style_and_load_nothing_from_elsewhere() -> None:
    for page in STATIC.glob("*.html"):
        text = page.read_text("utf-8")
        assert "style=" not in text
        assert "<style" not in text
        assert "//" not in text.replace("<!doctype html>", "")
        assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src=')


def test_vendored_uplot_names_its_version_and_brings_its_licence() -> None:
    vendor = STATIC / "vendor" / "uplot"
    version = vendor.joinpath("README.md").read_text("utf-8").split()[1]

    assert f"(v{version})" in vendor.joinpath("uPlot.esm.js").read_text("utf-8")
    assert vendor.joinpath("LICENSE").read_text("utf-8").startswith("The MIT License (MIT)")


def test_the_command_that_an_empty_page_names_is_that_of_the_readme() -> None:
    marks = (STATIC / "parts" / "marks.js").read_text("utf-8")
    command = marks.partition('SEND_ONE = "')[2].partition('"')[0]

    assert command.startswith("engage send ")
    assert f"`{command}`" in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
