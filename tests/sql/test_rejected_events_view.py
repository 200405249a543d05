"""Rejected records as people see them."""

from __future__ import annotations

import hashlib
from datetime import datetime

from clickhouse_connect.driver.client import Client

from schemas.rows import RejectedEventRow
from tests.sql.scenario import at, insert


def reject(client: Client, payload: bytes, replayed_at: datetime | None = None, offset: int = 7) -> None:
    digest = hashlib.sha256(payload).hexdigest()
    row = (
        "not_json",
        "line 1",
        "events.chat",
        3,
        offset,
        b"k\xff",
        payload,
        len(payload),
        digest,
        replayed_at,
    )
    insert(client, RejectedEventRow, [(at("2026-03-10 10:00:00"), *row)])


def test_a_reject_keeps_its_bytes_and_shows_a_preview(client: Client) -> None:
    reject(client, b'{"a": \xff\x00 "' + "é".encode() * 1_000)
    (preview,) = client.query("SELECT payload_preview FROM v_rejected_events").result_columns
    assert preview[0].startswith('{"a": �\x00 "éé')
    assert len(preview[0]) == 200
    assert client.query(
        "SELECT hex(substring(payload, 7, 2)), hex(record_key) FROM rejected_events"
    ).result_rows == [("FF00", "6BFF")]


def test_a_replayed_reject_says_so_however_often_the_reject_is_written_again(client: Client) -> None:
    reject(client, b"x")
    reject(client, b"x", replayed_at=at("2026-03-11 10:00:00"))
    reject(client, b"x")
    rows = client.query("SELECT source_offset, toString(replayed_at) FROM v_rejected_events").result_rows
    assert rows == [(7, "2026-03-11 10:00:00.000")]
