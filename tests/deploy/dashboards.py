"""The dashboards as Grafana reads them, and their queries as its data sources send them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from tests.deploy.alert_rules import ROOT

GRAFANA: Final = ROOT / "deploy" / "grafana"
DASHBOARDS: Final[dict[str, dict[str, Any]]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))
}


class Asked(NamedTuple):
    """A query of a panel."""

    dashboard: str
    panel: dict[str, Any]
    target: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.panel['title']} {self.target['refId']}"

    def promql(self) -> str:
        """As sent for scrapes every 15 s."""
        expr: str = self.target["expr"]
        return expr.replace("$__rate_interval", "1m")

    def sql(self, now: datetime) -> str:
        """With the plugin's macros replaced as it does, at `now`, for the time that the panel shows."""
        past = self.panel.get("timeFrom") or DASHBOARDS[self.dashboard]["time"]["from"].removeprefix("now-")
        start, end = int((now - _duration(past)).timestamp()), int(now.timestamp())
        text: str = self.target["rawSql"]
        text = re.sub(
            r"\$__timeFilter\((\w+)\)", rf"\1 >= toDateTime({start}) AND \1 <= toDateTime({end})", text
        )
        return re.sub(
            r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(toDateTime(\1), INTERVAL 300 second)", text
        )


def panels(dashboard: str) -> list[dict[str, Any]]:
    """Without the titles of sections."""
    return [panel for panel in DASHBOARDS[dashboard]["panels"] if panel["type"] != "row"]


def queries(source_type: str) -> list[Asked]:
    """Of all dashboards, those that go to a type of data source."""
    return [
        Asked(name, panel, target)
        for name in DASHBOARDS
        for panel in panels(name)
        for target in panel["targets"]
        if target["datasource"]["type"] == source_type
    ]


PROMQL: Final = queries("prometheus")
SQL: Final = queries("grafana-clickhouse-datasource")


def _duration(text: str) -> timedelta:
    return timedelta(**{{"h": "hours", "d": "days"}[text[-1]]: int(text[:-1])})
