"""All files of Superset's import, as YAML, and the zip that it takes."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.superset.charts import chart_file
from deploy.superset.dashboard import dashboard_file
from deploy.superset.datasets import DATABASE, DEFAULT_URI, database_file, dataset_file
from deploy.superset.engagement_streams import DESCRIPTION, SECTIONS, TITLE
from deploy.superset.identity import VERSION
from deploy.superset.views import view

#: The directory that Superset expects around all files; its name is free.
ROOT: Final = "engagement-streams"
# Of each file in the zip, so that the same content makes the same bytes.
_TIME: Final = (1980, 1, 1, 0, 0, 0)


class _Indented(yaml.SafeDumper):
    """Lists are indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def files(uri: str = DEFAULT_URI) -> dict[str, str]:
    """Path below the root, and text."""
    charts = [chart for section in SECTIONS for chart in section.charts]
    contents: dict[str, dict[str, Any]] = {
        # Superset leaves out files without a timestamp; it does not matter which.
        "metadata.yaml": {"version": VERSION, "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        f"databases/{_slug(DATABASE)}.yaml": database_file(uri),
        f"dashboards/{_slug(TITLE)}.yaml": dashboard_file(TITLE, DESCRIPTION, SECTIONS),
    }
    for name in sorted({chart.view for chart in charts}):
        contents[f"datasets/{_slug(DATABASE)}/{name}.yaml"] = dataset_file(view(name))
    for chart in charts:
        contents[f"charts/{_slug(chart.title)}.yaml"] = chart_file(chart, view(chart.view))
    return {path: _text(content) for path, content in contents.items()}


def write_zip(file: Path, uri: str = DEFAULT_URI) -> None:
    """Write what `superset import-dashboards --path` takes."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path, text in files(uri).items():
            bundle.writestr(zipfile.ZipInfo(f"{ROOT}/{path}", _TIME), text)


def _slug(title: str) -> str:
    return re.sub(r"\W+", "_", title).strip("_").lower()


def _text(content: dict[str, Any]) -> str:
    return yaml.dump(content, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=100)
