"""deploy/RUNBOOK.md, read."""

from __future__ import annotations

import re
from typing import Final

from tests.deploy.alert_rules import ROOT

RUNBOOK: Final = (ROOT / "deploy" / "RUNBOOK.md").read_text()
ENTRIES: Final[dict[str, str]] = dict(
    re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", RUNBOOK, flags=re.MULTILINE | re.DOTALL)
)
QUERIES: Final[list[str]] = re.findall(r'engage query "([^"]+)"', RUNBOOK)
