"""The embedded ClickHouse as plain HTTP: what other clients see, and what it refuses."""

from __future__ import annotations

import gzip
import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Front:
    host: str
    port: int

    def __call__(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Response:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body=body or None, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def post(self, sql: str, headers: Mapping[str, str] | None = None, **fields: str) -> Response:
        return self("POST", f"/?{urlencode(fields)}", sql.encode(), headers)


@pytest.fixture(scope="module")
def front(clickhouse_front: str) -> Front:
    url = urlsplit(clickhouse_front)
    return Front(url.hostname or "", url.port or 0)


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status"])
def test_it_says_that_it_is_there(front: Front, path: str) -> None:
    answer = front("GET", path)
    assert (answer.status, answer.body) == (200, b"Ok.\n")


def test_a_result_has_clickhouse_headers(front: Front) -> None:
    answer = front.post("SELECT 1 AS x, 'a\tb' AS y", query_id="my-query")
    assert (answer.status, answer.body) == (200, b"1\ta\\tb\n")
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-query"
    assert answer.headers["X-ClickHouse-Format"] == "TabSeparated"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["Content-Type"] == "text/tab-separated-values; charset=UTF-8"
    assert set(json.loads(answer.headers["X-ClickHouse-Summary"])) >= {
        "read_rows",
        "written_rows",
        "elapsed_ns",
    }


def test_the_format_comes_from_the_statement_or_the_url_or_a_header(front: Front) -> None:
    assert front.post("SELECT 1 FORMAT CSV", default_format="JSON").headers["X-ClickHouse-Format"] == "CSV"
    assert json.loads(front.post("SELECT 1 AS x", default_format="JSON").body)["data"] == [{"x": 1}]
    assert front.post("SELECT 1 AS x", {"X-ClickHouse-Format": "JSONEachRow"}).body == b'{"x":1}\n'


def test_an_error_has_its_status_code_and_one_body(front: Front) -> None:
    answer = front.post("SELECT * FROM no_such_table")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (404, "60")
    assert answer.body.startswith(b"Code: 60. DB::Exception: ")
    assert answer.body.endswith(b"(UNKNOWN_TABLE)\n")


def test_an_error_of_an_insert_does_not_show_how_it_was_done(front: Front) -> None:
    table = f"t_{uuid.uuid4().hex}"
    front.post(f"CREATE TABLE {table} (a UInt8) ENGINE = Memory")
    answer = front.post(f'INSERT INTO {table} FORMAT JSONEachRow\n{{"a":1}}\n{{"a":"x"}}')
    front.post(f"DROP TABLE {table}")
    assert answer.status == 400
    assert b"row 2" in answer.body
    assert answer.body.count(b"Code: 27") == 1
    assert b"/proc/" not in answer.body
    assert b"version" not in answer.body


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("CREATE TABLE t (a UInt8) ENGINE = Memory", "164"),
        ("INSERT INTO t VALUES (1)", "164"),
        ("INSERT INTO t FORMAT CSV", "164"),
        ("DROP DATABASE default", "164"),
        ("SET max_threads = 1", "164"),
        ("SYSTEM FLUSH LOGS", "164"),
    ],
)
def test_get_only_reads(front: Front, sql: str, code: str) -> None:
    answer = front("GET", f"/?query={quote(sql)}")
    assert answer.headers.get("X-ClickHouse-Exception-Code") == code
    assert front("GET", "/?query=SELECT%201").body == b"1\n"
    assert front.post(sql, readonly="1").headers.get("X-ClickHouse-Exception-Code") == code


def test_files_are_neither_written_nor_read_by_statements(front: Front, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    for sql in (f"SELECT 1 INTO OUTFILE '{target}'", f"INSERT INTO t FROM INFILE '{target}' FORMAT CSV"):
        assert front.post(sql).headers.get("X-ClickHouse-Exception-Code") == "158"
    assert not target.exists()


def test_input_is_refused_and_not_silently_empty(front: Front) -> None:
    answer = front.post("INSERT INTO t SELECT a FROM input('a UInt8') FORMAT CSV\n1\n")
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (501, "48")


def test_statement_and_data_may_be_split_between_url_and_body_anyhow(front: Front) -> None:
    table = f"t_{uuid.uuid4().hex}"
    front.post(f"CREATE TABLE {table} (a String) ENGINE = MergeTree ORDER BY a")
    front("POST", f"/?query={quote(f'INSERT INTO {table} FORMAT TSV')}", b"1\n")
    front("POST", f"/?query={quote(f'INSERT INTO {table} SETTINGS async_insert = 0 FORMAT')}", b"TSV\n2\n")
    front("POST", "/", f"INSERT INTO {table} (a) VALUES ('3'), ('FORMAT; it''s')".encode())
    front("POST", f"/?query={quote(f'INSERT INTO {table} VALUES')}", b"('5')")
    front("POST", "/?query=INSERT%20INTO", f"/* FORMAT */ {table} -- VALUES\n FORMAT CSV\n7\n".encode())
    rows = front.post(f"SELECT a FROM {table} ORDER BY a").body.decode().splitlines()
    front.post(f"DROP TABLE {table}")
    assert rows == ["1", "2", "3", "5", "7", "FORMAT; it\\'s"]


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({}, "default"),
        ({"X-ClickHouse-User": "bi_reader"}, "bi_reader"),
        ({"Authorization": "Basic YmlfcmVhZGVyOmFueQ=="}, "bi_reader"),
    ],
)
def test_the_user_comes_from_either_header(front: Front, headers: dict[str, str], user: str) -> None:
    answer = front.post("SHOW PROCESSLIST", headers)
    assert answer.status == (403 if user == "bi_reader" else 200)


@pytest.mark.parametrize(
    "headers", [{"X-ClickHouse-User": "admin"}, {"Authorization": "Bearer x"}, {"Authorization": "Basic !"}]
)
def test_other_users_are_refused(front: Front, headers: dict[str, str]) -> None:
    answer = front.post("SELECT 1", headers)
    assert (answer.status, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "example.org"},
        {"Host": "127.0.0.1.example.org:8123"},
    ],
)
def test_a_web_page_cannot_send_statements(front: Front, headers: dict[str, str]) -> None:
    assert front.post("SELECT 1", headers).status == 403
    assert front("GET", "/?query=SELECT%201", headers=headers).status == 403


def test_a_body_in_an_unknown_or_broken_encoding_is_refused(front: Front) -> None:
    packed = gzip.compress(b"SELECT 1")
    assert front("POST", "/", packed, {"Content-Encoding": "gzip"}).body == b"1\n"
    for body, encoding, code in (
        (packed, "br", "48"),
        (packed[:-9], "gzip", "271"),
        (b"SELECT 1", "lz4", "271"),
    ):
        answer = front("POST", "/", body, {"Content-Encoding": encoding})
        assert answer.headers.get("X-ClickHouse-Exception-Code") == code


def test_a_response_is_packed_only_as_the_client_accepts_it(front: Front) -> None:
    sql = "SELECT number FROM numbers(1000)"
    plain = front.post(sql)
    assert "Content-Encoding" not in plain.headers
    packed = front.post(sql, {"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert (
        "Content-Encoding"
        not in front.post(sql, {"Accept-Encoding": "gzip"}, enable_http_compression="0").headers
    )


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 1", 1),
        ("SELECT count() FROM numbers(1000)", 1),
        ("SELECT number FROM numbers(1000) WHERE number % 2", 500),
        ("SELECT 1 WHERE 0", 0),
        ("SHOW DATABASES LIKE 'default'", 1),
    ],
)
def test_the_summary_says_how_many_rows_a_whole_result_has(front: Front, sql: str, rows: int) -> None:
    """JDBC drivers of 0.8 read none if it says none."""
    answer = front.post(sql, wait_end_of_query="1")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == str(rows)


def test_parameters_may_hold_bytes_that_are_no_text(front: Front) -> None:
    answer = front("POST", "/?param_x=%FF%00%27", b"SELECT hex({x:String})")
    assert answer.body == b"FF0027\n"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"max_threads; DROP TABLE t": "1"}, "36"),
        ({"no_such_setting": "1"}, "115"),
        ({"database": "no`such"}, "81"),
        ({"session_id": "s", "session_timeout": "x"}, "36"),
        ({"session_id": "never seen", "session_check": "1"}, "372"),
        ({"decompress": "1"}, "48"),
    ],
)
def test_a_bad_field_of_the_url_is_an_error(front: Front, fields: dict[str, str], code: str) -> None:
    assert front.post("SELECT 1", **fields).headers.get("X-ClickHouse-Exception-Code") == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe",
        b"INSERT",
        b"INSERT INTO",
        b"INSERT INTO t FORMAT",
        b"INSERT INTO t FORMAT \xff",
        b"'",
        b"((((",
        b"/*",
    ],
)
def test_rubbish_is_a_clickhouse_error_and_the_front_goes_on(front: Front, body: bytes) -> None:
    answer = front("POST", "/", body)
    assert answer.status >= 400
    assert answer.body.startswith(b"Code: ")
    assert b"1002" not in answer.body
    assert front.post("SELECT 1").body == b"1\n"


def test_use_stays_in_its_session(front: Front) -> None:
    session, other = uuid.uuid4().hex, uuid.uuid4().hex
    assert front.post("USE system", session_id=session).status == 200
    sql = "SELECT currentDatabase()"
    assert front.post(sql, session_id=session).body == b"system\n"
    assert front.post(sql, session_id=session, database="default").body == b"default\n"
    assert front.post(sql, session_id=session).body == b"system\n"
    assert front.post(sql, session_id=other).body == b"default\n"
