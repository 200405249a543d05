"""A collector in a process of its own, as its clients see it."""

from __future__ import annotations

import re
import urllib.request
from typing import NamedTuple
from urllib.error import URLError


class Collector(NamedTuple):
    """Where it listens, what opens it, and the ports of a page that it allows and of one that it does not."""

    url: str
    write_key: str
    source: str
    page_port: int
    stranger_port: int

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def answers(self, status: int) -> int:
        """How many requests it has answered with this status."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        counts = re.findall(
            rf'^engagement_collector_requests_total{{.*status="{status}".*}} (.+)$', text, re.M
        )
        return int(sum(map(float, counts)))
