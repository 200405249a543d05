"""`bi_reader` against statements that nobody thought of, and against those by which it once got through."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from streams.embedded.clickhouse.errors import QueryError
from streams.embedded.clickhouse.reader_text import read_text
from streams.embedded.clickhouse.statement import tokens
from tests.fuzz.sql_grammar import OPENED, Grammar, Scene

DATABASE = "reader_fuzz"
SECRET = "the-secret-of"
STATEMENTS = 500
POTENT_STATEMENTS = 80
ACCESS_DENIED = "497"
# What the default user would wait for, or have no time limit for.
SLOW = ("url(", "s3(", "max_execution_time", "remote(")

TABLES = [
    "CREATE TABLE events (a Int64, k String, secret String) ENGINE = MergeTree ORDER BY a",
    "INSERT INTO events SELECT 1, 'known-key', concat('the-secret', '-of-the-table')",
    "CREATE TABLE keys (k String) ENGINE = MergeTree ORDER BY k",
    "INSERT INTO keys VALUES ('known-key')",
    "CREATE TABLE j (k String, secret String) ENGINE = Join(ANY, LEFT, k)",
    "INSERT INTO j SELECT 'known-key', concat('the-secret', '-of-the-join')",
    "CREATE VIEW v_x SQL SECURITY DEFINER AS SELECT a, k FROM events",
    "CREATE VIEW v_p SQL SECURITY DEFINER AS SELECT a, k FROM events WHERE k > {cutoff:String}",
]
# Each of these was let through once.
HOLES = [
    "SELECT arrayMap(file, ['{file}'])",
    "SELECT arrayMap(`file`, ['{file}']) FROM v_x",
    "SELECT arrayMap(FILE, ['{file}'])",
    "WITH file AS f SELECT arrayMap(f, ['{file}'])",
    "SELECT 1 /* /* */ SETTINGS max_threads = 1 */ SETTINGS allow_introspection_functions",
    "SELECT 1 /* /* */ ' */ SETTINGS allow_introspection_functions = 1 -- '",
    "SELECT 1 // '\n SETTINGS readonly = 0 -- '",
    'SELECT 1 FORMAT "SQLInsert"',
    "SELECT 1 FORMAT `Template`",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS max_execution_time = 61",
    "SELECT 1 SETTINGS max_execution_time = '1e9'",
    "SHOW TABLES LIMIT toUInt8('x' IN keys)",
    "SELECT * FROM v_x UUID '61f0c404-5cb3-11e7-907b-a6006ad3dba0'",
]


class Answer(NamedTuple):
    status: int
    code: str
    body: str


Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(clickhouse_front: str) -> Iterator[Ask]:
    """Runs a statement over one connection and returns whatever comes back."""
    connection = http.client.HTTPConnection(urlsplit(clickhouse_front).netloc, timeout=60)

    def run(sql: str | bytes, user: str = "bi_reader", database: str = DATABASE, **fields: str) -> Answer:
        url = urlencode({"user": user, "database": database, "max_execution_time": "5", **fields})
        connection.request("POST", f"/?{url}", sql if isinstance(sql, bytes) else sql.encode())
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        return Answer(answer.status, answer.headers.get("X-ClickHouse-Exception-Code", ""), body)

    yield run
    connection.close()


@pytest.fixture(scope="module")
def scene(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    file = tmp_path_factory.mktemp("secret") / "secret.txt"
    file.write_text(f"{SECRET}-the-file\n")
    assert ask(f"CREATE DATABASE {DATABASE}", "default", "default").status == 200
    for sql in TABLES:
        assert ask(sql, "default").status == 200, sql
    yield Scene(DATABASE, file, "http://127.0.0.1:1/")
    ask(f"DROP DATABASE {DATABASE}", "default", "default")


def is_open(answer: Answer) -> bool:
    return SECRET in answer.body or OPENED in answer.body


def test_no_statement_of_the_reader_opens_what_is_closed(ask: Ask, scene: Scene) -> None:
    grammar = Grammar(1, scene)
    for _ in range(STATEMENTS):
        sql = grammar.statement()
        answer = ask(sql)
        assert not is_open(answer), sql
        assert answer.code != "1002", (sql, answer.body)
    assert ask("SELECT count(), any(secret) FROM events", "default").body == f"1\t{SECRET}-the-table\n"
    assert [path.name for path in scene.file.parent.iterdir()] == [scene.file.name]


def test_the_same_statements_do_open_it_for_who_may(ask: Ask, scene: Scene) -> None:
    grammar = Grammar(1, scene)
    tried = [
        sql
        for sql in (grammar.statement() for _ in range(POTENT_STATEMENTS))
        if not any(w in sql for w in SLOW)
    ]
    opened = sum(is_open(ask(sql, "default")) for sql in tried)
    assert opened > len(tried) / 5


@pytest.mark.parametrize("sql", HOLES)
def test_a_hole_stays_closed(ask: Ask, scene: Scene, sql: str) -> None:
    answer = ask(sql.replace("{file}", str(scene.file)))
    assert (answer.status, answer.code) == (403, ACCESS_DENIED), answer.body


def test_a_parameter_that_is_a_name_calls_no_function_and_forges_no_tree(ask: Ask, scene: Scene) -> None:
    called = ask(f"SELECT arrayMap({{f:Identifier}}, ['{scene.file}'])", param_f="file")
    forged = ask("SELECT 1 AS {f:Identifier}", param_f="x (children 1)\n     SelectQuery")
    escaped = ask("SELECT 1 AS {f:Identifier}", param_f="x\\n     SelectQuery")
    assert [answer.code for answer in (called, forged, escaped)] == [ACCESS_DENIED] * 3
    assert ask("SELECT {f:Identifier} FROM v_x", param_f="k").body == "known-key\n"


def test_a_column_may_have_a_name_that_only_looks_like_a_function(ask: Ask, scene: Scene) -> None:
    ask("CREATE VIEW v_c SQL SECURITY DEFINER AS SELECT 1 AS region, 2 AS dictionary", "default")
    assert ask("SELECT region, dictionary FROM v_c").body == "1\t2\n"


def test_a_name_that_is_no_table_is_no_file_either(ask: Ask, scene: Scene) -> None:
    here = Path.cwd()
    names = {path.name for path in here.iterdir() if path.is_file() and path.name.isidentifier()}
    assert names, "the tests run in the source tree, which has files such as Makefile"
    for name in [*names, "v_file"]:
        query = f"SELECT * FROM (WITH {name} AS (SELECT 1) SELECT * FROM {name}) AS x, {name} AS y"
        assert ask(query, database="default").code == "60"
        assert ask(f"SELECT * FROM `{name}`", "default", "default").code == "60"


def test_a_statement_of_the_reader_has_a_length(ask: Ask, scene: Scene) -> None:
    long = f"SELECT 1 /* {'x' * (256 << 10)} */"
    assert ask(long).code == ACCESS_DENIED
    assert ask(long, "default").body == "1\n"


# -- the two lexers ----------------------------------------------------------------------------------

_WORDS = (
    "/* */ // -- #! # ' '' \\ \" ` $ $$ $a$ $a a$b a SELECT 1 1. .5 1e5 0xG 1a ( ) , * / - x'41' _x @ :: || "
    "|> -> ? ! ~ { } [ ] ; = : \u2018 \u201c"
)
_BYTES = (b"# ", b" ", b"\n", b"\r", b"\f", b"\v", b"\xc2\xa0", b"\xff", b"\x1f")
_PIECES = [*(word.encode() for word in _WORDS.split(" ")), *_BYTES]
_QUOTED = ("StringLiteral", "HereDoc", "QuotedIdentifier", "Whitespace", "Comment")


def test_nothing_that_clickhouse_reads_as_code_looks_like_a_comment_or_a_text_here(
    ask: Ask, scene: Scene
) -> None:
    chance = random.Random(1)
    texts = [b"".join(chance.choices(_PIECES, k=chance.randint(1, 12))) for _ in range(10_000)]
    checked = 0
    for text, code in zip(texts, _code_of(ask, texts), strict=True):
        if _is_refused(text):
            continue
        checked += 1
        seen = {
            at
            for token in tokens(text)
            if token.kind not in ("text", "name")
            for at in range(token.start, token.end)
        }
        assert code <= seen, text
    assert checked > 2_000


def _is_refused(text: bytes) -> bool:
    """Whether the reader is told so for characters or quotes alone."""
    try:
        read_text(text + b" ")
    except QueryError as error:
        return "characters" in str(error)
    except IndexError:  # nothing but comments, which ClickHouse refuses
        return True
    return False


def _code_of(ask: Ask, texts: list[bytes]) -> Iterator[set[int]]:
    """The bytes of each text that ClickHouse's lexer takes for code, up to where it gives up."""
    rows = b"".join(
        number.to_bytes(4, "little") + bytes((len(text),)) + text for number, text in enumerate(texts)
    )
    ask("CREATE TABLE lexed (i UInt32, s String) ENGINE = Memory", "default")
    assert ask(b"INSERT INTO lexed FORMAT RowBinary\n" + rows, "default").status == 200
    sql = "SELECT arrayMap(t -> (t.1, t.2, toString(t.3)), tokenizeQuery(s)) FROM lexed ORDER BY i"
    for line in ask(f"{sql} FORMAT JSONCompactEachRow", "default").body.splitlines():
        code: set[int] = set()
        for start, end, kind in json.loads(line)[0]:
            if kind.startswith("Error"):
                break
            if kind not in _QUOTED:
                code.update(range(int(start), int(end)))
        yield code
