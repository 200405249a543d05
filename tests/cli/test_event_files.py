"""Files of past events become records to send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import Event, decode
from schemas.topics import CHANNEL_OF_TOPIC, CHAT, PURCHASE, WEBSITE
from streams.errors import EngageError
from streams.ops.event_files import FileFormat, records, shuffled, with_duplicates
from streams.ops.outgoing import Outgoing

PUBLIC_DATA = Path(__file__).parents[2].parent / "shared" / "data"
NOW_MS = 1_800_000_000_000


def events_of(*lines: bytes) -> list[Outgoing]:
    return list(records(FileFormat.EVENTS_JSONL, lines))


def decoded(sent: Outgoing) -> Event:
    event = decode(sent.value, channel=CHANNEL_OF_TOPIC[sent.topic], appended_at_ms=NOW_MS)
    assert isinstance(event, Event), event
    return event


def body(sent: Outgoing) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(sent.value or b"")
    return value


def numbered(count: int) -> list[Outgoing]:
    return [Outgoing(WEBSITE, b"k", str(number).encode()) for number in range(count)]


# -- events-jsonl ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event_type", "topic"),
    [
        ("page_viewed", WEBSITE),
        ("order_completed", PURCHASE),
        ("order_refunded", PURCHASE),
        ("conversation_started", CHAT),
        ("conversation_ended", CHAT),
        ("message_sent", CHAT),
        ("survey_answered", WEBSITE),
    ],
)
def test_without_a_channel_the_type_decides(event_type: str, topic: str) -> None:
    (sent,) = events_of(json.dumps({"type": event_type}).encode())

    assert sent.topic == topic


def test_a_channel_decides_and_is_not_sent() -> None:
    rest = '"type":"survey_answered","customer_id":"é","n":36893488147419103232}'

    (sent,) = events_of(f'{{"channel":"chat",{rest}'.encode())

    assert sent == Outgoing(CHAT, "é".encode(), f"{{{rest}".encode())


def test_a_line_without_a_channel_is_sent_byte_for_byte() -> None:
    line = b'{ "type" : "page_viewed", "customer_id": "c-1", "n": 1.00 }'

    assert events_of(line + b"\r\n") == [Outgoing(WEBSITE, b"c-1", line)]


def test_the_key_is_the_customer_or_else_the_anonymous_visitor() -> None:
    lines = [
        b'{"customer_id": "c", "anonymous_id": "a"}',
        b'{"customer_id": null, "anonymous_id": "a"}',
        b'{"customer_id": 7, "anonymous_id": ""}',
    ]

    assert [sent.key for sent in events_of(*lines)] == [b"c", b"a", None]


@pytest.mark.parametrize("line", [b"rubbish", b"[1]", b'{"cut', b"\xff\xfe", b"7", b"[" * 100_000])
def test_what_is_not_an_event_is_sent_all_the_same_and_left_to_the_worker(line: bytes) -> None:
    assert events_of(line) == [Outgoing(WEBSITE, None, line)]


@given(st.binary(max_size=200))
def test_any_line_is_sent_or_refused_in_one_line(line: bytes) -> None:
    text = line.removeprefix(b"\xef\xbb\xbf").strip()

    assert len(events_of(line)) == bool(text)


def test_empty_lines_and_a_byte_order_mark_are_no_events() -> None:
    assert len(events_of(b'\xef\xbb\xbf{"type": "page_viewed"}\n', b"\n", b"  \n")) == 1


@pytest.mark.parametrize("channel", ["Chat", "email", 1, ["chat"]])
def test_an_unknown_channel_is_refused_with_its_line(channel: object) -> None:
    lines = [b"\n", json.dumps({"channel": channel}).encode()]

    with pytest.raises(EngageError, match=r"^line 2: channel must be one of website, chat, purchase$"):
        events_of(*lines)


# -- CDNOW -------------------------------------------------------------------------------------------


def test_a_cdnow_line_is_an_order() -> None:
    (sent,) = records(FileFormat.CDNOW, [b" 00004 0001 19970101  2   29.33\n"])

    assert (sent.topic, sent.key) == (PURCHASE, b"0001")
    assert body(sent) == {
        "event_id": "cdnow-1",
        "type": "order_completed",
        "occurred_at": "1997-01-01T00:00:00.000Z",
        "customer_id": "0001",
        "source": "cdnow",
        "properties": {
            "order_id": "cdnow-1",
            "total_minor": 2933,
            "currency": "USD",
            "items": [{"name": "CD", "quantity": 2}],
        },
    }
    assert decoded(sent).customer == "0001"


def test_identical_cdnow_lines_are_different_orders() -> None:
    line = b" 00004 0001 19970101  2   29.33\n"

    assert [body(sent)["event_id"] for sent in records(FileFormat.CDNOW, [line, b"\n", line])] == [
        "cdnow-1",
        "cdnow-3",
    ]


@pytest.mark.parametrize(
    "line", [b"x", b"1 2 19970132 1 1.0", b"1 2 19970101 1 NaN", b"1 2 19970101 1 Infinity", b"\xff 2 3 4 5"]
)
def test_a_wrong_cdnow_line_is_named(line: bytes) -> None:
    with pytest.raises(EngageError, match=r"^line 1: not a CDNOW purchase"):
        list(records(FileFormat.CDNOW, [line]))


def test_the_cdnow_sample_is_6919_orders_of_2357_customers() -> None:
    path = PUBLIC_DATA / "cdnow" / "CDNOW_sample.txt"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open("rb") as lines:
        sent = list(records(FileFormat.CDNOW, lines))

    assert len(sent) == len({body(record)["event_id"] for record in sent}) == 6919
    assert len({record.key for record in sent}) == 2357
    assert all(decoded(record).type == "order_completed" for record in sent)


# -- OTTO --------------------------------------------------------------------------------------------


def otto_line(*rows: tuple[int, str, int]) -> bytes:
    events = [{"aid": aid, "ts": at_ms, "type": kind} for at_ms, kind, aid in rows]
    return json.dumps({"session": 12, "events": events}).encode()


def test_otto_clicks_and_carts_are_website_events_of_an_anonymous_visitor() -> None:
    line = otto_line((1659304800025, "clicks", 7), (1659304800026, "carts", 8))

    clicked, added = records(FileFormat.OTTO, [line])

    assert (clicked.topic, added.topic, clicked.key) == (WEBSITE, WEBSITE, b"12")
    assert body(clicked) == {
        "event_id": "otto-12-0",
        "type": "product_viewed",
        "occurred_at": "2022-07-31T22:00:00.025Z",
        "anonymous_id": "12",
        "session_id": "12",
        "source": "otto",
        "properties": {"product_id": "7"},
    }
    assert body(added)["type"] == "product_added"
    assert decoded(added).customer == "anon:12"


def test_otto_order_lines_of_one_millisecond_are_one_order() -> None:
    line = otto_line((1, "orders", 5), (1, "clicks", 6), (1, "orders", 7), (2, "orders", 8))

    sent = list(records(FileFormat.OTTO, [line]))

    assert [(record.topic, body(record)["event_id"]) for record in sent] == [
        (PURCHASE, "otto-12-0"),
        (WEBSITE, "otto-12-1"),
        (PURCHASE, "otto-12-3"),
    ]
    assert body(sent[0])["properties"] == {
        "order_id": "otto-12-0",
        "total_minor": 0,
        "currency": "EUR",
        "items": [{"product_id": "5"}, {"product_id": "7"}],
    }


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"[]",
        b"{}",
        b'{"session": 1, "events": [{}]}',
        otto_line((1, "wishes", 2)),
        otto_line((10**20, "clicks", 2)),
    ],
)
def test_a_wrong_otto_line_is_named(line: bytes) -> None:
    with pytest.raises(EngageError, match=r"^line 1: not an OTTO session"):
        list(records(FileFormat.OTTO, [line]))


def test_the_otto_sample_is_852_website_events_and_5_orders() -> None:
    path = PUBLIC_DATA / "otto" / "sessions.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open("rb") as lines:
        sent = list(records(FileFormat.OTTO, lines))

    channels = [decoded(record).channel for record in sent]
    assert (channels.count("website"), channels.count("purchase"), len(channels)) == (852, 5, 857)
    assert len({decoded(record).event_id for record in sent}) == 857


# -- order and duplicates ----------------------------------------------------------------------------


@given(st.integers(0, 60), st.floats(0, 1), st.integers())
def test_the_wanted_share_is_sent_a_second_time_after_the_first(count: int, ratio: float, seed: int) -> None:
    sent = with_duplicates(numbered(count), ratio, seed)

    firsts = list(dict.fromkeys(sent))
    assert firsts == numbered(count)
    assert len(sent) == count + round(ratio * count)
    assert all(sent.count(record) <= 2 for record in firsts)


def test_the_seed_decides_which_ones_are_sent_twice() -> None:
    assert with_duplicates(numbered(100), 0.3, seed=1) == with_duplicates(numbered(100), 0.3, seed=1)
    assert with_duplicates(numbered(100), 0.3, seed=1) != with_duplicates(numbered(100), 0.3, seed=2)


def test_shuffling_keeps_every_record_and_its_seed_decides_the_order() -> None:
    mixed = shuffled(numbered(100), seed=3)

    assert mixed != numbered(100)
    assert sorted(mixed) == sorted(numbered(100))
    assert mixed == shuffled(numbered(100), seed=3) != shuffled(numbered(100), seed=4)
