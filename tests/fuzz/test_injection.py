"""Text that would be SQL if it were pasted into SQL: in arguments, files and HTTP fields that get there."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import CustomerStateRow, EventRow, RejectedEventRow, Row, column_types, columns
from streams.clickhouse import connect
from streams.config import Settings
from streams.core.windows import day_of
from streams.errors import EngageError
from streams.ops.clickhouse_client import open_client
from streams.ops.event_files import FileFormat, records
from streams.ops.reject_files import from_lines
from streams.ops.rejects import Coordinates, mark_replayed, not_rejected, stored
from streams.sinks.clickhouse import ClickHouseSink
from tests.cli.commands import Engage
from tests.fuzz.mutation import WORDS, mutants
from tests.fuzz.targets import seeds

WORST = [
    "' OR '1'='1",
    "\\'; DROP TABLE events; --",
    "{customer_id:String}",
    "%s %(customers)s",
    "nul\0byte",
    "a\nb",
]
HOSTILE = [
    "'; DROP TABLE events; --",
    "\\",
    "\\\\'",
    '" OR ""="',
    "`; DROP TABLE events; --",
    "') OR 1=1 --",
    "{x:Identifier} {{y}} }",
    "%s %(customer_id)s %(customers)s %%",
    "$1 ${HOME} $$ $(reboot)",
    "/* */ -- // # \n ;",
    "NULL",
    "\\N",
    "a\tb\r\nc",
    "‘ ’ “ ” \u2028 \u202e",
    "[link=x]bold[/] \x1b[2J",
    "' UNION ALL SELECT secret FROM events FORMAT TSV",
    "v_customer_360",
    "😀" * 60,
    *WORST,
]
CANARY = "canary"
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=timezone.utc)
TELLTALE = ("Traceback", "site-packages", ".py", "/proc/", "/tmp/", "1002", CANARY)


each_hostile = pytest.mark.parametrize("text", HOSTILE, ids=repr)
each_of_the_worst = pytest.mark.parametrize("text", WORST, ids=repr)


def event_row(customer_id: str, offset: int) -> EventRow:
    return EventRow(
        event_id=f"e-{offset} {customer_id}"[:64],
        customer_id=customer_id,
        anonymous_id="",
        channel="chat",
        type="conversation_started",
        occurred_at=NOW,
        session_id=customer_id,
        source=customer_id,
        properties=json.dumps({"conversation_id": customer_id, "author": customer_id}),
        extra=json.dumps({customer_id: customer_id}),
        source_topic="events.chat",
        source_partition=0,
        source_offset=offset,
        appended_at=NOW,
    )


def state_row(customer_id: str) -> CustomerStateRow:
    seen = {"first_seen_at": NOW, "website_seen_at": None, "chat_seen_at": NOW, "purchase_seen_at": None}
    counted = {"events_total": 1, "orders_total": 0, "epoch": 0, "n_applied": 1, "is_moved": 0}
    bought = {"purchase_days": 0, "first_purchase_on": None, "last_purchase_at": None, "won_back_on": None}
    return CustomerStateRow(customer_id=customer_id, is_anonymous=0, **seen, **counted, **bought)


def rejected_row(offset: int) -> RejectedEventRow:
    values: dict[str, Any] = {
        "rejected_at": NOW,
        "reason": "not_json",
        "detail": CANARY,
        "source_topic": "events.chat",
        "source_partition": 0,
        "source_offset": offset,
        "record_key": b"",
        "payload": b"{",
        "payload_bytes": 1,
        "payload_sha256": "0" * 64,
        "replayed_at": None,
    }
    return RejectedEventRow(**values)


def insert(client: Client, rows: list[Row]) -> None:
    names = columns(type(rows[0]))
    data = [[getattr(row, name) for name in names] for row in rows]
    client.insert(rows[0].TABLE, data, column_names=names, column_type_names=column_types(type(rows[0])))


@pytest.fixture(scope="module")
def customers(clickhouse_settings: Settings) -> Iterator[Client]:
    """A customer for each hostile text, one called `canary`, and a rejected record."""
    client = connect(clickhouse_settings)
    ids = [*HOSTILE, CANARY]
    insert(client, [event_row(customer_id, offset) for offset, customer_id in enumerate(ids)])
    insert(client, [state_row(customer_id) for customer_id in ids])
    insert(client, [rejected_row(1)])
    yield client
    client.close()


@pytest.fixture
def unchanged(customers: Client) -> Iterator[Client]:
    """All is there after the test that was there before it."""
    before = contents(customers)
    yield customers
    assert contents(customers) == before


def contents(client: Client) -> list[tuple[object, ...]]:
    sql = """
    SELECT 'events', count(), sum(cityHash64(tuple(*))) FROM events
    UNION ALL SELECT 'states', count(), sum(cityHash64(tuple(*))) FROM customer_state
    UNION ALL SELECT 'rejects', count(), sum(cityHash64(toString(tuple(*)))) FROM rejected_events
    UNION ALL SELECT 'tables', count(), sum(cityHash64(name)) FROM system.tables
    WHERE database = currentDatabase()
    """
    return sorted(tuple(row) for row in client.query(sql).result_rows)


# -- commands ----------------------------------------------------------------------------------------


@each_of_the_worst
@pytest.mark.usefixtures("clickhouse", "unchanged")
def test_a_customer_id_is_a_value_whatever_is_in_it(engage: Engage, text: str) -> None:
    page = engage("customer", text)
    windows = engage("windows", text, "--format", "json")
    assert (page.status, page.err, windows.status, windows.err) == (0, "", 0, "")
    assert CANARY not in page.out + windows.out


@each_of_the_worst
@pytest.mark.usefixtures("clickhouse", "unchanged")
def test_an_id_that_nobody_has_is_one_line(engage: Engage, text: str) -> None:
    ended = engage("windows", f"{text} OR 1=1")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("engage: no customer ")
    assert ended.err.count("\n") == 1
    assert not any(word in ended.err for word in TELLTALE)


@each_hostile
@pytest.mark.usefixtures("clickhouse", "unchanged")
@pytest.mark.parametrize("option", ["--reason", "--limit", "--format"])
def test_an_option_of_the_rejects_takes_no_text_of_ones_own(engage: Engage, option: str, text: str) -> None:
    ended = engage("rejected", "list", option, text)
    assert (ended.status, ended.out) == (2, "")
    assert not any(word in ended.err for word in TELLTALE)


@pytest.mark.usefixtures("clickhouse", "unchanged")
def test_a_file_of_repaired_records_names_no_other_topics(engage: Engage, tmp_path: Path) -> None:
    file = tmp_path / "repaired.jsonl"
    for text in HOSTILE:
        line = {"source_topic": text, "source_partition": 0, "source_offset": 1, "value": {}}
        file.write_text(json.dumps(line) + "\n", "utf-8")
        ended = engage("rejected", "replay", "--from", str(file))
        assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert "line 1: source_topic: must be one of" in ended.err


# -- what commands and workers ask and write ---------------------------------------------------------


def test_coordinates_and_reasons_are_values(unchanged: Client) -> None:
    wanted = [Coordinates(text, 0, 1) for text in HOSTILE]
    assert not_rejected(unchanged, wanted) == wanted
    mark_replayed(unchanged, wanted, NOW)
    assert [record for text in HOSTILE for record in stored(unchanged, text)] == []
    assert len(list(stored(unchanged))) == 1


def test_the_facts_of_a_day_are_those_of_the_customers_asked_for(
    clickhouse_settings: Settings, unchanged: Client
) -> None:
    day = day_of(int(NOW.timestamp() * 1000))
    facts = ClickHouseSink(clickhouse_settings).facts([(text, day) for text in HOSTILE])
    assert sorted(fact.customer_id for fact in facts) == sorted(HOSTILE)


def test_what_is_inserted_comes_back_to_the_byte(unchanged: Client) -> None:
    sql = "SELECT customer_id, session_id, source, extra FROM events FINAL WHERE customer_id != 'canary'"
    rows = unchanged.query(sql).result_rows
    expected = [(text, text, text, json.dumps({text: text})) for text in HOSTILE]
    assert sorted(map(tuple, rows)) == sorted(expected)


@pytest.mark.parametrize("file_format", FileFormat)
def test_any_line_of_a_file_to_send_is_a_record_or_named(file_format: FileFormat) -> None:
    lines = {
        FileFormat.EVENTS_JSONL: seeds("decode"),
        FileFormat.CDNOW: [b"00004 0001 19970101 2 29.33"],
        FileFormat.OTTO: [b'{"session": 0, "events": [{"aid": 1, "ts": 1659304800025, "type": "orders"}]}'],
    }[file_format]
    answered = 0
    for line in islice(mutants(lines, WORDS["decode"], 1, 4096), 5_000):
        try:
            answered += len(list(records(file_format, [line])))
        except EngageError as error:
            assert str(error).startswith("line 1: "), line  # noqa: PT017
    assert answered > 50


def test_any_line_of_a_file_of_rejects_is_a_record_or_named() -> None:
    line = b'{"source_topic":"events.chat","source_partition":1,"source_offset":3,"value":{"a":1}}'
    repaired = 0
    for mutant in islice(mutants([line], WORDS["decode"], 1, 4096), 5_000):
        try:
            repaired += len(list(from_lines([mutant])))
        except EngageError as error:
            assert str(error).startswith("line 1: "), mutant  # noqa: PT017
    assert repaired > 50


# -- HTTP --------------------------------------------------------------------------------------------

FIELDS = [
    "query_id",
    "session_id",
    "session_timeout",
    "session_check",
    "default_format",
    "user",
    "password",
    "role",
    "quota_key",
    "readonly",
    "compress",
    "enable_http_compression",
    "wait_end_of_query",
    "log_comment",
    "max_threads",
    "session_timezone",
    "database",
    "param_x",
]


@each_hostile
def test_a_field_of_the_url_is_a_value_or_an_error(
    clickhouse: Settings, unchanged: Client, text: str
) -> None:
    connection = http.client.HTTPConnection(urlsplit(clickhouse.clickhouse_url).netloc, timeout=60)
    for field in [*FIELDS, text, f"param_{text}"]:
        fields = {"database": clickhouse.clickhouse_database, field: text}
        connection.request("POST", f"/?{urlencode(fields)}", b"SELECT 'fine'")
        answer = connection.getresponse()
        body = answer.read().decode()
        assert answer.status == 200 or 400 <= answer.status < 500, (field, body)
        assert not any(word in body for word in TELLTALE), body
    connection.close()


@each_hostile
def test_a_parameter_comes_back_to_the_byte(unchanged: Client, text: str) -> None:
    assert unchanged.query("SELECT {x:String}", parameters={"x": text}).result_rows == [(text,)]


STRUCTURES = [
    "a String) ENGINE = Memory; DROP TABLE events; --",
    "a String) ENGINE = File(LineAsString, '/etc/passwd') --",
    "a String); CREATE TABLE pwned (a String) ENGINE = Memory; SELECT (1",
    "a String $x$) ENGINE = Memory",
    "a String /* ) ENGINE = Memory",
    "a String ' ) ENGINE = Memory",
    "a String; b String",
    ")(",
    "a String, (",
]


@pytest.mark.parametrize("field", ["t_structure", "t_types"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_structure_of_an_external_table_stays_in_its_brackets(
    clickhouse: Settings, unchanged: Client, field: str, structure: str
) -> None:
    fields = {"query": "SELECT * FROM t", "readonly": "1", field: structure}
    status, body = send_form(clickhouse, fields)
    assert (status, body[:9]) == (400, "Code: 36.")


def test_an_external_table_may_have_any_columns(clickhouse: Settings, unchanged: Client) -> None:
    structure = "a Enum8('x' = 1, '); DROP' = 2), `b)` Array(Tuple(UInt8, String)) DEFAULT [(1, ')')]"
    fields = {"query": "SELECT a, `b)` FROM t", "t_structure": structure, "t_format": "CSV"}
    assert send_form(clickhouse, fields, b"x,[]\n") == (200, "x\t[]\n")


def send_form(settings: Settings, fields: dict[str, str], rows: bytes = b"1\n") -> tuple[int, str]:
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), value.encode())
        for name, value in fields.items()
    )
    parts += b'--x\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n%b\r\n--x--\r\n' % rows
    connection = http.client.HTTPConnection(urlsplit(settings.clickhouse_url).netloc, timeout=60)
    url = f"/?{urlencode({'database': settings.clickhouse_database})}"
    connection.request("POST", url, parts, {"Content-Type": "multipart/form-data; boundary=x"})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_statements_that_are_no_text_are_errors_of_clickhouse(
    clickhouse: Settings, unchanged: Client
) -> None:
    connection = http.client.HTTPConnection(urlsplit(clickhouse.clickhouse_url).netloc, timeout=60)
    quoting = b"SELECT throwIf(number = 7, 'x\xff') FROM numbers(9)"
    for sql in (
        quoting,
        b"\xff",
        b"SELECT \xff",
        b"SELECT `\xff`",
        b"\x1f\x8b\x08\x00",
        b"SELECT * FROM `\xff\xfe`",
    ):
        connection.request("POST", "/", sql)
        answer = connection.getresponse()
        assert answer.read().startswith(b"Code: ")
        assert answer.headers["X-ClickHouse-Exception-Code"] in ("47", "60", "62", "395")
    connection.close()


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/?session_id=s&session_timeout=" + "9" * 5000, {}, "36"),
        ("/?session_id=s&session_timeout=%D9%A3", {}, "36"),
        ("/", {"Authorization": "Basic \xff"}, "516"),
        ("/", {"Host": "127.0.0.1:port"}, "497"),
        ("/", {"Content-Type": "multipart/form-data; a *"}, "36"),
        ("/", {"Content-Type": "multipart/form-data"}, "36"),
        ("/", {"Content-Type": "text/plain; a *"}, None),
    ],
)
def test_a_head_that_is_wrong_is_an_error_of_clickhouse(
    clickhouse: Settings, path: str, headers: dict[str, str], code: str | None
) -> None:
    connection = http.client.HTTPConnection(urlsplit(clickhouse.clickhouse_url).netloc, timeout=60)
    connection.request("POST", path, b"SELECT 1", headers)
    answer = connection.getresponse()
    assert answer.headers.get("X-ClickHouse-Exception-Code") == code, answer.read()
    answer.read()
    connection.close()


def test_a_client_that_goes_by_the_book_is_served(clickhouse: Settings, unchanged: Client) -> None:
    with open_client(clickhouse) as client:
        found = client.query(
            "SELECT count() FROM events WHERE occurred_at < {until:DateTime64(3)}",
            parameters={"until": NOW + timedelta(days=1)},
        )
    assert found.result_rows == [(len(HOSTILE) + 1,)]
