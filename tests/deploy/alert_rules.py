"""deploy/prometheus/rules.yml, read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from streams.metrics import SPECS

ROOT: Final = Path(__file__).resolve().parents[2]
PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
RULES_TEXT: Final = (PROMETHEUS / "rules.yml").read_text()
RULES: Final[list[dict[str, Any]]] = [
    rule for group in yaml.safe_load(RULES_TEXT)["groups"] for rule in group["rules"]
]
ALERTS: Final = {rule["alert"]: rule for rule in RULES}

#: What Prometheus itself makes.
_PROMETHEUS_OWN: Final = {"up", "ALERTS"}
_WORDS: Final = {"by", "on", "and", "or", "le"}
_HISTOGRAM_PARTS: Final = ("", "_bucket", "_sum", "_count")


def unknown_names(expr: str) -> set[str]:
    """Names of series in a PromQL expression that nobody serves."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\{\{?[^}]*\}\}?', "", expr)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", bare)
    names = {name for name in re.findall(r"\b[a-zA-Z_]\w*\b(?!\s*\()", bare) if name not in _WORDS}
    known = {spec.name + part for spec in SPECS for part in _HISTOGRAM_PARTS}
    return names - known - _PROMETHEUS_OWN
