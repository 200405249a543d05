"""deploy/RUNBOOK.md, read."""

from __future__ import annotations

import re
from typing import Final

from tests.deploy.alert_rules import ROOT

RUNBOOK: Final = (ROOT / "deploy" / "RUNBOOK.md").read_text()
ENTRIES: Final[dict[str, str]] = dict(
    re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", RUNBOOK, flags=re.MULTILINE | re.DOTALL)
)
#: As in code, in a line or in a block; behind `#` stands a comment.
COMMANDS: Final[list[str]] = [
    command.strip() for command in re.findall(r"(?:^|`)(engage [a-z][^`#\n]*)", RUNBOOK, flags=re.MULTILINE)
]
QUERIES: Final[list[str]] = re.findall(r'engage query "([^"]+)"', RUNBOOK)
