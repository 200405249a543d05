"""ClickHouse's engine alone: the same JSON from files into the same tables, one statement per topic.

No Kafka, no HTTP, no state, no offsets: what storing facts and counting them costs by itself.
"""

from __future__ import annotations

import json
from pathlib import Path

from chdb.session import Session

from tests.bench.contenders.task import Task, channel_of, wait_to_be_stopped

_MIGRATIONS = ("0001_facts.sql", "0002_customers.sql")
_FACTS = """
INSERT INTO events (event_id, customer_id, channel, type, occurred_at, session_id, source, properties)
SELECT event_id, customer_id, '{channel}', type, occurred_at, session_id, source, properties
FROM file('{path}', JSONEachRow,
    'event_id String, customer_id String, type String, occurred_at DateTime64(3, \\'UTC\\'),
     session_id String, source String, properties String')
SETTINGS date_time_input_format = 'best_effort'
"""
_DAYS = """
INSERT INTO customer_daily (customer_id, day, channel, events, counts, orders, conversations, messages)
SELECT customer_id, toDate(occurred_at), channel, count(),
       sumMap(if(is_engagement, map(type, toUInt64(1)), map())),
       countIf(type = 'order_completed'), countIf(type = 'conversation_started'),
       countIf(type = 'message_sent' AND is_engagement)
FROM
(
    SELECT *, type != 'message_sent' OR JSONExtractString(properties, 'author') = 'customer' AS is_engagement
    FROM events FINAL
)
GROUP BY ALL
"""
_COUNTS = """
SELECT (SELECT count() FROM events FINAL), uniqExact(customer_id), count(),
       sum(CRC32(concat(customer_id, ' ', toString(toUInt16(day)), ' ', channel, ' ', toString(events))))
FROM customer_daily FINAL
FORMAT JSONCompactEachRow
"""


def insert(session: Session, task: Task) -> None:
    for topic, path in zip(task.topics, task.files, strict=True):
        session.query(_FACTS.format(channel=channel_of(topic), path=path))
    session.query(_DAYS)


if __name__ == "__main__":
    given = Task.from_environment()
    opened = Session(f"{given.directory}/chdb")
    for name in _MIGRATIONS:
        opened.query(Path("sql/migrations", name).read_text())
    given.started()
    insert(opened, given)
    given.ended()
    given.tell(json.loads(str(opened.query(_COUNTS))))
    wait_to_be_stopped()
