"""The table in deploy/collector/README.md, row by row."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from schemas.topics import TOPIC_OF_CHANNEL
from streams.collector.judging import judge
from streams.collector.segment import Sender, to_event

README = (Path(__file__).parents[2] / "deploy/collector/README.md").read_text()
ROW = re.compile(r'^\| (\w+)(?: "(.+?)")? \| `(.+?)` \| `(\w+)` \| (\w+) \| `(.+?)` \|$', flags=re.MULTILINE)
NOW_MS = 1_795_320_000_000


class Row(NamedTuple):
    kind: str
    name: str
    sent: dict[str, Any]
    event_type: str
    channel: str
    properties: dict[str, Any]


def rows() -> list[Row]:
    table = README.partition("<!-- mapping")[2]
    return [
        Row(kind, name, json.loads(sent), event_type, channel, json.loads(properties))
        for kind, name, sent, event_type, channel, properties in ROW.findall(table)
    ]


def test_every_row_of_the_table_is_read() -> None:
    table = README.partition("<!-- mapping")[2].partition("\n\n- Names")[0]
    assert len(rows()) == table.count("\n| ") - 1  # less the heading
    assert {row.kind for row in rows()} == {"track", "page", "screen", "identify", "alias", "group"}


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.kind} {row.name}")
def test_a_message_becomes_what_its_row_says(row: Row) -> None:
    own = {"event": row.name, "properties": row.sent} if row.kind == "track" else row.sent
    message = {"messageId": "m-1", "userId": "c-42", "anonymousId": None, **own}

    event = to_event(message, row.kind, Sender("shop-web")).event

    assert event == {
        "event_id": "m-1",
        "type": row.event_type,
        "customer_id": "c-42",
        "source": "shop-web",
        "properties": row.properties,
    }
    judged = judge({**event, "occurred_at": "2026-11-22T05:00:01.123Z"}, NOW_MS)
    assert judged.rejection is None
    assert judged.record.topic == TOPIC_OF_CHANNEL[row.channel]
    assert judged.record.key == b"c-42"
