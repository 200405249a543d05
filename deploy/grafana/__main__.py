"""`python -m deploy.grafana`: writes the dashboards' JSON beside this file; a test compares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from deploy.grafana.engagement_overview import engagement_overview
from deploy.grafana.stream_health import stream_health

DIRECTORY: Final = Path(__file__).parent / "dashboards"


def files() -> dict[Path, str]:
    """What is to be on disk."""
    dashboards = {"stream-health": stream_health(), "engagement-overview": engagement_overview()}
    return {
        DIRECTORY / f"{name}.json": json.dumps(content, indent=2) + "\n"
        for name, content in dashboards.items()
    }


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)
