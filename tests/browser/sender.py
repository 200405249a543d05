"""Sends events for a program that is not Python.

Reads JSON lines `{"type": …, "customer_id": …, "properties": {…}}`, and answers each, once Kafka has it, with
a line: when it was made, in milliseconds since 1970.
"""

from __future__ import annotations

import json
import sys
import time

from streams.config import load_settings
from streams.producer import EngagementProducer, new_event


def main() -> None:
    with EngagementProducer(load_settings().kafka_bootstrap) as producer:
        for line in sys.stdin:
            made_at_ms = time.time_ns() // 1_000_000
            producer.send(new_event(**json.loads(line))).result(timeout=30)
            print(made_at_ms, flush=True)


if __name__ == "__main__":
    main()
