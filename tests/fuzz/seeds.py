"""`python -m tests.fuzz.seeds`: write the corpus that fuzzing begins with. It is kept in git, as bytes.

Files that are not named here, such as former crashes, stay.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone

from schemas.examples import EXAMPLE_OF
from schemas.rejections import RejectReason
from streams.embedded.clickhouse.compression import ENCODINGS, pack
from streams.ops.bad_records import bad_records
from tests.fuzz.targets import APPENDED_AT_MS, CORPUS

_EVENT = {
    "event_id": "e-1",
    "type": "level_up",
    "occurred_at": "2026-11-22T05:00:01.123Z",
    "customer_id": "c-42",
    "properties": {},
}


def _event(**changes: object) -> bytes:
    return json.dumps({**_EVENT, **changes}, ensure_ascii=False, separators=(",", ":")).encode()


def decode_seeds() -> dict[str, bytes]:
    """An event of each type, a record of each kind of bad input, and what lies beside some rule."""
    appended_at = datetime.fromtimestamp(APPENDED_AT_MS / 1000, timezone.utc)
    valid = {example["type"]: json.dumps(example).encode() for example in EXAMPLE_OF.values()}
    bad = {
        f"bad_{reason.value}": record.value
        for reason, record in bad_records("seed", appended_at)
        if record.value is not None and reason is not RejectReason.TOO_LARGE
    }
    return {**valid, **bad, **_ODD_EVENTS}


_ODD_EVENTS = {
    "odd_anonymous": _event(customer_id=None, anonymous_id="a-7"),
    "odd_reserved_prefix": _event(customer_id="anon:x"),
    "odd_longest_ids": _event(event_id="é" * 64, customer_id="😀" * 128),
    "odd_offset": _event(occurred_at="2026-11-22t05:00:01.123456789-23:59"),
    "odd_last_year": _event(occurred_at="9999-12-31T23:59:59-23:59"),
    "odd_message_text": _event(
        type="message_sent",
        properties={"conversation_id": "c", "author": "customer", "text": "hi", "body": 1},
        message_body="x",
    ),
    "odd_survey_scale": _event(type="survey_answered", properties={"survey": "csat", "score": 6}),
    "odd_items": _event(
        type="order_completed",
        properties={
            "order_id": "o",
            "total_minor": 1,
            "currency": "EUR",
            "items": [{}, None, {"quantity": 1.0}],
        },
    ),
    "odd_integers": _event(properties={"a": [2**63 - 1, -(2**63), 2**53 + 1], "b": 2**63}, c=-(2**63)),
    "odd_huge_integer": b'{"a":' + b"9" * 700 + b"}",
    "odd_floats": _event(properties={"a": [1e308, -0.0, 5e-324, 1.0]}).replace(b"1.0", b"1E+2"),
    "odd_infinite": _event(properties={"a": 1}).replace(b'"a":1', b'"a":1e999'),
    "odd_nan": _event(properties={"a": 1}).replace(b'"a":1', b'"a":NaN'),
    "odd_surrogate": _event(source="x").replace(b'"x"', rb'"\ud83d\ude00\ud800"'),
    "odd_escapes": _event(source="x", extra={"\0": "\u2028"}).replace(b'"x"', rb'"\u0000\/\b\ud83d\ude00"'),
    "odd_key_twice": _event().replace(b'"type"', b'"type":"x","type"'),
    "odd_properties_null": _event(properties=None),
    "odd_types": _event(event_id=1, type=True, occurred_at=1.5, customer_id=[], properties="x"),
    "odd_deep": _event(properties={"a": 1}).replace(b'"a":1', b'"a":' + b"[" * 253 + b"]" * 253),
    "odd_too_deep": b'{"a":' * 400,
    "odd_empty": b"",
}


def front_seeds() -> dict[str, bytes]:
    """Statements, inserts, packed bodies, forms and heads, the odd ones among them."""
    statements = {f"sql_{number:02}": _post(sql, user="bi_reader") for number, sql in enumerate(_STATEMENTS)}
    inserts = {f"insert_{number:02}": _post(sql) for number, sql in enumerate(_INSERTS)}
    packed = {
        f"packed_{encoding}": _post(
            pack(_NATIVE, encoding), encoding=encoding, query="INSERT INTO t FORMAT Native"
        )
        for encoding in ENCODINGS
    }
    two = {
        f"packed_{encoding}_in_parts": _post(
            pack(b"SELECT ", encoding) + pack(b"1", encoding), encoding=encoding
        )
        for encoding in ("gzip", "lz4")
    }
    cut = {"packed_cut": _post(pack(_NATIVE, "zstd")[:-3], encoding="zstd")}
    bomb = {"packed_bomb": _post(pack(bytes(2 << 20), "zstd"), encoding="zstd")}
    return {**statements, **inserts, **packed, **two, **cut, **bomb, **_HEADS, **_FORMS}


def _post(body: bytes, *, encoding: str = "", user: str = "", query: str = "") -> bytes:
    fields = "&".join(
        f"{name}={value.replace(' ', '+')}" for name, value in (("user", user), ("query", query)) if value
    )
    head = f"POST /?{fields} HTTP/1.1\r\nHost: localhost\r\n"
    return (head + (f"Content-Encoding: {encoding}\r\n" if encoding else "") + "\r\n").encode() + body


# One block of one column `a UInt8` with three rows.
_NATIVE = b"\x01\x03\x01a\x05UInt8\x01\x02\x03"
_STATEMENTS = (
    b"SELECT a, sum(b) FROM v_x WHERE a IN (SELECT 1) GROUP BY a FORMAT JSON",
    b"SELECT 1 /* /* */ ' */ INTO OUTFILE 'x' -- '",
    b"SELECT 1 // '\n, file('x') # '\n -- $$\n #!x",
    b"SELECT $a$ it's $a$, 'it''s \\' it', `a``b`, \"a\\\"b\", x'4142'",
    b"SELECT 1 FORMAT \"JSON\" SETTINGS max_threads = 1, max_execution_time = '99'",
    b"WITH a(b, c) AS (SELECT 1), d AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, d",
    b"SHOW TABLES LIKE 'v%'",
    b"DESCRIBE (SELECT {x:Identifier}, {y:Array(String)})",
    b"SELECT arrayMap(x -> x + 1e5 - .5, [1, 2])[1]::String, a ? b : c, {'a': 1}",
    b"((((((SELECT 1))))));",
    b"SELECT 'open",
    b"SELECT /* open",
    b"SELECT $open$ x",
    b"SELECT \xe2\x80\x98x\xe2\x80\x99, \xa0\x00",
    b"!SELECT x. (SYNTAX_ERROR) (version 26.9.2.1 (official build)). (SYNTAX_ERROR)",
    b"!: (in file/uri /proc/self/fd/1): In scope SELECT formatQuery('x'). (SYNTAX_ERROR)",
    b"SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n  SelectQuery (children 1)\n"
    b"   ExpressionList (children 2)\n    Identifier a (alias b)\n    Literal 'x (children 9)'",
)
_INSERTS = (
    b"INSERT INTO t (a, b) VALUES (1, 'FORMAT'), (2, ';')",
    b"INSERT INTO TABLE `a b`.format SETTINGS async_insert = 0 FORMAT TSV\n1\t2\n\xff\xfe",
    b"INSERT INTO FUNCTION file('x') SELECT * FROM input('a UInt8') FORMAT CSV\n1",
    b"/* x */ insert into t format Native \r\n" + _NATIVE,
    b"INSERT INTO t FORMAT",
)
_FORM = (
    b'--x\r\nContent-Disposition: form-data; name="query"\r\n%b\r\nSELECT {a:String}\r\n'
    b'--x\r\nContent-Disposition: form-data; name="param_a"\r\n\r\n1\r\n'
    b'--x\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n1\t2\n\r\n--x--\r\n'
)


def _form(more: bytes = b"", fields: bytes = b"t_structure=a+UInt8") -> bytes:
    head = b"POST /?%b HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
    return head % fields + _FORM % more


_FORMS = {
    "form": _form(),
    "form_types": _form(fields=b"t_types=UInt8,String&t_format=CSV"),
    "form_charset": _form(b"Content-Type: text/plain; charset=unicode_escape\r\n"),
    "form_unknown_charset": _form(b"Content-Type: text/plain; charset=nonsense\r\n"),
    "form_transfer_encoding": _form(b"Content-Transfer-Encoding: base64\r\n"),
    "form_no_structure": _form(fields=b""),
    "form_no_boundary": _form().replace(b"; boundary=x", b""),
}


def _head(*lines: str, path: str = "/?query=SELECT+1", method: str = "GET", body: bytes = b"") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", "")).encode() + body


_CHUNKS = b"6\r\nSELECT\r\n2\r\n 1\r\n0\r\n\r\n"
_HEADS = {
    "head_user": _head("X-ClickHouse-User: bi_reader", "X-ClickHouse-Database: rt"),
    "head_basic": _head("Authorization: Basic " + base64.b64encode(b"bi_reader:x").decode()),
    "head_bad_basic": _head("Authorization: Basic \xff"),
    "head_origin": _head("Origin: https://example.org"),
    "head_odd_host": _head("Host: [::1", path="//x:99999/?query=1"),
    "head_accept": _head("Accept-Encoding: lz4;q=0, zstd ; q=0.5, *"),
    "head_session": _head(path="/?session_id=s&session_timeout=60&session_check=1&query=SELECT+1"),
    "head_session_digits": _head(path="/?query=1&session_timeout=" + "9" * 100),
    "head_query_id": _head(path="/?query=1&query_id=%0d%0aX:y"),
    "head_bytes": _head(path="/?query=SELECT+%FF%00%27&param_a=%ED%A0%80&default_format=%0a"),
    "head_settings": _head(path="/?user=bi_reader&query=SELECT+1&max_execution_time=1e9&readonly=2"),
    "head_bad_setting": _head(path="/?query=1&a;DROP=1&=&&database=%60"),
    "head_chunked": _head("Transfer-Encoding: chunked", method="POST", path="/", body=_CHUNKS),
    "head_lengths": _head("Content-Length: 3", "Transfer-Encoding: chunked", method="POST", body=_CHUNKS),
    "head_unknown_encoding": _head("Content-Encoding: br, gzip", method="POST", body=b"x"),
    "head_content_type_cut": _head("Content-Type: multipart/form-data; a *", method="POST"),
    "head_multipart_get": _head("Content-Type: multipart/form-data"),
}


def main() -> None:
    for target, files in {"decode": decode_seeds(), "front": front_seeds()}.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        print(f"{target}: {len(files)} files, {sum(map(len, files.values()))} bytes")


if __name__ == "__main__":
    main()
