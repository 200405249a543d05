"""`engage rejected`: list, export, repair, replay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.rejections import RejectReason
from schemas.rows import RejectedEventRow, column_types, columns
from schemas.topics import CHAT, PURCHASE, WEBSITE
from streams.clickhouse import connect
from streams.config import Settings
from streams.errors import EngageError
from streams.ops.clickhouse_client import open_client
from streams.ops.outgoing import Outgoing
from streams.ops.rejects import (
    Coordinates,
    Outcome,
    Repaired,
    mark_replayed,
    not_rejected,
    replay,
    stored,
)
from tests.cli.commands import Engage

NOW = datetime(2026, 11, 22, 5, 0, 0, 123_000, tzinfo=timezone.utc)
PLACE = Coordinates(WEBSITE, 3, 17)
GOOD = (
    b'{"event_id":"e-1","type":"page_viewed","occurred_at":"2026-11-22T04:00:00Z",'
    b'"customer_id":"c-1","properties":{"url":"/"}}'
)


class Kafka:
    """Takes records; they count as delivered once flushed."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.delivered = 0
        self.marked: list[tuple[Coordinates, datetime]] = []

    def flush(self) -> None:
        self.delivered = len(self.sent)

    def mark(self, places: Sequence[Coordinates], at: datetime) -> None:
        assert self.delivered == len(self.sent)
        self.marked += [(place, at) for place in places]

    def replay(self, *records: Repaired, unknown: Sequence[Coordinates] = ()) -> Outcome:
        return replay(
            records,
            now=NOW,
            send=self.sent.append,
            flush=self.flush,
            mark=self.mark,
            unknown=lambda places: [place for place in places if place in unknown],
        )


# -- sending again -----------------------------------------------------------------------------------


def test_a_repaired_event_goes_where_it_came_from_and_is_marked_when_kafka_has_it() -> None:
    kafka = Kafka()

    outcome = kafka.replay(Repaired(PLACE, GOOD))

    assert outcome == Outcome(1, [])
    assert kafka.sent == [Outgoing(WEBSITE, b"c-1", GOOD)]
    assert kafka.marked == [(PLACE, NOW)]


def test_what_would_be_rejected_again_is_not_sent() -> None:
    kafka = Kafka()
    bad = [Repaired(PLACE, value) for value in (None, b"rubbish", GOOD.replace(b"page_viewed", b"PAGE"))]

    outcome = kafka.replay(*bad)

    assert (kafka.sent, kafka.marked, outcome.sent) == ([], [], 0)
    assert outcome.refused_by_reason() == {"null_value": 1, "not_json": 1, "invalid_field": 1}


def test_an_event_of_the_future_is_valid_when_its_time_has_come() -> None:
    kafka = Kafka()
    early = (NOW + timedelta(hours=25)).isoformat().encode()
    due = (NOW + timedelta(hours=23)).isoformat().encode()

    outcome = kafka.replay(
        *(Repaired(PLACE, GOOD.replace(b"2026-11-22T04:00:00Z", at)) for at in (early, due))
    )

    assert outcome.sent == 1
    assert [rejection.reason for _, rejection in outcome.refused] == [RejectReason.FUTURE_TIMESTAMP]


def test_a_record_that_was_never_rejected_is_an_error() -> None:
    kafka = Kafka()

    with pytest.raises(EngageError, match=r"^events\.website/3/17: no such record was rejected$"):
        kafka.replay(Repaired(PLACE, GOOD), unknown=[PLACE])
    assert kafka.sent == []


def test_many_records_are_marked_in_parts() -> None:
    kafka = Kafka()
    places = [Coordinates(PURCHASE, 0, offset) for offset in range(120)]

    outcome = kafka.replay(*(Repaired(place, GOOD) for place in places))

    assert outcome.sent == 120
    assert kafka.marked == [(place, NOW) for place in places]


# -- in ClickHouse -----------------------------------------------------------------------------------


def rejected_row(offset: int, payload: bytes, **changes: Any) -> dict[str, Any]:
    return {
        "rejected_at": NOW - timedelta(hours=1) + timedelta(seconds=offset),
        "reason": "not_json",
        "detail": "why",
        "source_topic": CHAT,
        "source_partition": 1,
        "source_offset": offset,
        "record_key": b"k\xff\0",
        "payload": payload,
        "payload_bytes": len(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "replayed_at": None,
        **changes,
    }


ROWS = [
    rejected_row(0, GOOD, reason="future_timestamp"),
    rejected_row(1, b"\xff\x00'\\\t\n"),
    rejected_row(2, b"x" * 65536, payload_bytes=2_000_000, reason="too_large"),
    rejected_row(3, b"", reason="null_value"),
]


@pytest.fixture
def rejected(clickhouse: Settings) -> Iterator[Settings]:
    """Four rejected records, freshly written."""
    client = connect(clickhouse)
    client.command("TRUNCATE TABLE rejected_events")
    names = columns(RejectedEventRow)
    data = [[row[name] for name in names] for row in ROWS]
    client.insert(
        "rejected_events", data, column_names=names, column_type_names=column_types(RejectedEventRow)
    )
    yield clickhouse
    client.close()


def rows(settings: Settings) -> list[dict[str, Any]]:
    with open_client(settings) as client:
        names = ", ".join(columns(RejectedEventRow))
        found = client.query(
            f"SELECT {names} FROM rejected_events FINAL ORDER BY source_offset",
            column_formats={"payload": "bytes", "record_key": "bytes"},
            tz_mode="aware",
        )
        return list(found.named_results())


def test_stored_records_come_byte_for_byte_and_the_oldest_first(rejected: Settings) -> None:
    with open_client(rejected) as client:
        found = list(stored(client))

    assert [record.payload for record in found] == [row["payload"] for row in ROWS]
    assert [record.coordinates.offset for record in found] == [0, 1, 2, 3]
    assert [record.value is None for record in found] == [False, False, True, True]


def test_stored_records_can_be_chosen_by_their_reason(rejected: Settings) -> None:
    with open_client(rejected) as client:
        assert [record.coordinates.offset for record in stored(client, "too_large")] == [2]


def test_marking_changes_replayed_at_and_nothing_else(rejected: Settings) -> None:
    with open_client(rejected) as client:
        mark_replayed(client, [Coordinates(CHAT, 1, 1), Coordinates(CHAT, 1, 3)], NOW)
        left = [record.coordinates.offset for record in stored(client)]

    assert left == [0, 2]
    assert rows(rejected) == [
        {**row, "replayed_at": NOW if row["source_offset"] in (1, 3) else None} for row in ROWS
    ]


def test_what_was_never_rejected_is_found_out(rejected: Settings) -> None:
    wrong = [Coordinates(CHAT, 1, 99), Coordinates("o'dd\\", 1, 1)]

    with open_client(rejected) as client:
        assert not_rejected(client, [Coordinates(CHAT, 1, 0), *wrong]) == wrong


def test_fifty_records_are_named_in_one_request(rejected: Settings) -> None:
    places = [Coordinates(PURCHASE, 4_294_967_295, 2**64 - 1 - number) for number in range(50)]

    with open_client(rejected) as client:
        assert not_rejected(client, places) == places
        mark_replayed(client, places, NOW)

    assert [row["replayed_at"] for row in rows(rejected)] == [None] * 4


def test_a_replay_from_clickhouse_and_back(rejected: Settings) -> None:
    kafka = Kafka()

    with open_client(rejected) as client:
        outcome = replay(
            (Repaired(record.coordinates, record.value) for record in stored(client)),
            now=NOW,
            send=kafka.sent.append,
            flush=kafka.flush,
            unknown=partial(not_rejected, client),
            mark=partial(mark_replayed, client),
        )

    assert outcome.sent == 1
    assert [row["replayed_at"] for row in rows(rejected)] == [NOW, None, None, None]


# -- the commands ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("rejected")
def test_the_list_is_the_newest_first_and_can_be_narrowed(engage: Engage) -> None:
    everything = json.loads(engage("rejected", "list", "--format", "json").out)
    newest = json.loads(engage("rejected", "list", "--limit", "1", "--format", "json").out)
    one_reason = json.loads(engage("rejected", "list", "--reason", "too_large", "--format", "json").out)

    assert [row["source_offset"] for row in everything] == [3, 2, 1, 0]
    assert [row["source_offset"] for row in newest] == [3]
    assert [row["source_offset"] for row in one_reason] == [2]


@pytest.mark.usefixtures("rejected")
def test_the_list_for_people_names_each_source_in_one_word(engage: Engage) -> None:
    shown = engage("rejected", "list", "--format", "table").out

    assert "events.chat/1/2" in shown
    assert "2026-11-22 04:00:02" in shown
    assert "\0" not in shown


@pytest.mark.usefixtures("rejected")
def test_an_unknown_reason_is_refused_with_the_known_ones(engage: Engage) -> None:
    ended = engage("rejected", "list", "--reason", "boredom")

    assert ended.status == 2
    assert "not_json" in ended.err


@pytest.mark.usefixtures("kafka")
def test_exported_repaired_and_replayed_a_record_becomes_an_event(
    engage: Engage, rejected: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "rejected.jsonl"
    exported = engage("rejected", "export", str(path))
    lines = [json.loads(text) for text in path.read_bytes().splitlines()]
    lines[3]["value"] = {**json.loads(GOOD), "event_id": "e-2"}
    path.write_text("\n".join(json.dumps(item) for item in lines))

    ended = engage("rejected", "replay", "--from", str(path))

    assert exported.err == f"wrote 4 records to {path}\n"
    assert (ended.status, ended.out) == (1, "sent 2 records, refused 2\n")
    assert ended.err.splitlines() == [
        "events.chat/1/1: not_utf8: byte 0 is not UTF-8",
        "events.chat/1/2: null_value: the record has no value",
    ]
    assert [row["replayed_at"] is not None for row in rows(rejected)] == [True, False, False, True]


@pytest.mark.usefixtures("kafka")
def test_without_a_file_all_that_is_valid_by_now_is_sent(engage: Engage, rejected: Settings) -> None:
    ended = engage("rejected", "replay")
    again = engage("rejected", "replay", "--reason", "future_timestamp")

    assert (ended.status, ended.out) == (1, "sent 1 records, refused 3\n")
    assert ended.err == (
        "still not valid: not_utf8 1, too_large 1, null_value 1. Repair them: `engage rejected export FILE`\n"
    )
    assert (again.status, again.out, again.err) == (0, "sent 0 records, refused 0\n", "")
    assert [row["replayed_at"] is not None for row in rows(rejected)] == [True, False, False, False]


@pytest.mark.usefixtures("rejected")
def test_export_to_standard_output_leaves_the_message_out_of_it(engage: Engage) -> None:
    ended = engage("rejected", "export", "-", "--reason", "future_timestamp")

    assert json.loads(ended.out)["value"] == json.loads(GOOD)
    assert ended.err == "wrote 1 records to -\n"


@pytest.mark.usefixtures("rejected")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "/nowhere/at/all"], "cannot write /nowhere/at/all: No such file or directory"),
        (["replay", "--from", "/nowhere/at/all"], "cannot read /nowhere/at/all: No such file or directory"),
        (["replay", "--from", "-"], "standard input, line 1: not a line of `engage rejected export`"),
        (["replay", "--from", "x", "--reason", "not_json"], "`--reason` chooses among the stored records"),
    ],
)
def test_a_mistake_is_one_line(engage: Engage, arguments: list[str], words: str) -> None:
    ended = engage("rejected", *arguments, stdin=b"rubbish")

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"engage: {words}")
    assert ended.err.count("\n") == 1
