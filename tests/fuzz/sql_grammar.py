"""Random statements around what `bi_reader` must not reach: base tables, files, networks, settings.

Each tries one forbidden thing, deep within things that are allowed. Whoever reads a table or the file gets
its secret; whoever may only ask a yes-or-no question gets `OPENED`. Neither stands in the statement, so an
answer that holds one of them comes from where the reader may not be.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

OPENED: Final = "door-is-open"
_OPENED_SQL: Final = "concat('door', '-is-', 'open')"
_SOME_UUID: Final = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
_MOST_LEVELS: Final = 3

# {v} is a value, in a place where ClickHouse takes one; `a` (a number) and `k` (a text) are columns of v_x.
_QUERIES_WITH_VALUE: Final = (
    *["SELECT {v} FROM v_x", "SELECT a, {v} AS z FROM v_x"] * 4,
    "SELECT {v}",
    "SELECT DISTINCT ON ({v}) a, {v} FROM v_x",
    "SELECT * REPLACE ({v} AS k) FROM v_x",
    "SELECT * APPLY(i -> {v}) FROM v_x",
    "SELECT COLUMNS('k') REPLACE ({v} AS k) FROM v_x",
    "SELECT z FROM v_x ARRAY JOIN [{v}] AS z",
    "SELECT throwIf(1, 'x') FROM v_x WHERE ignore({v}) = 0",
    "SELECT k FROM v_x PREWHERE notEmpty(toString({v}))",
    "SELECT any({v}) FROM v_x GROUP BY {v}",
    "SELECT {v} AS z, count() FROM v_x GROUP BY GROUPING SETS ((z), ())",
    "SELECT 1 FROM v_x GROUP BY a HAVING throwIf(notEmpty(toString({v})), 'x')",
    "SELECT {v} FROM v_x QUALIFY row_number() OVER () = 1",
    "SELECT a, {v} AS z FROM v_x ORDER BY z LIMIT 1 BY z",
    "SELECT a, k FROM v_x ORDER BY a WITH FILL FROM 0 TO 9 INTERPOLATE (k AS toString({v}))",
    "SELECT a FROM v_x ORDER BY a WITH FILL FROM 0 TO length(toString({v}))",
    "SELECT number FROM numbers(length(toString({v})))",
    "SELECT number FROM numbers(99) LIMIT length(toString({v}))",
    "SELECT any({v}) OVER (PARTITION BY k ORDER BY a) FROM v_x",
    "SELECT any(k) OVER (ORDER BY {v}) FROM v_x",
    "SELECT any(k) OVER (ORDER BY a ROWS BETWEEN length(toString({v})) PRECEDING AND CURRENT ROW) FROM v_x",
    "SELECT any({v}) OVER w FROM v_x WINDOW w AS (ORDER BY {v})",
    "SELECT anyIf({v}, a = 1) FROM v_x",
    "SELECT any({v}) FILTER (WHERE a = 1) FROM v_x",
    "SELECT groupArray({v})[1] FROM v_x",
    "SELECT x.k, {v} FROM v_x AS x JOIN v_x AS y ON x.k = y.k",
    "SELECT x.k FROM v_x AS x JOIN v_x AS y ON x.k = y.k AND notEmpty(toString({v}))",
    "SELECT k FROM v_p(cutoff = toString({v}))",
    "WITH {v} AS z SELECT z",
    "WITH z AS (SELECT {v} AS s) SELECT * FROM z",
    "WITH z(s) AS (SELECT {v}) SELECT s FROM z",
    "WITH z AS MATERIALIZED (SELECT {v} AS s) SELECT s FROM z",
    "WITH RECURSIVE z AS (SELECT {v} AS s UNION ALL SELECT s FROM z WHERE 0) SELECT s FROM z",
    "WITH (i -> {v}) AS f SELECT f(a) FROM v_x",
    "WITH (i -> (i, {v}).2) AS f SELECT arrayMap(f, [1])",
    "SELECT (SELECT {v})",
    "SELECT * FROM (SELECT {v})",
    "SELECT 1 UNION ALL SELECT length(toString({v}))",
    "SELECT toString({v}) EXCEPT SELECT 'x'",
    "SELECT k FROM v_x |> WHERE notEmpty(toString({v}))",
    "SELECT k FROM v_x |> SELECT {v}",
    "SELECT exists(SELECT {v})",
    "SELECT k FROM v_x WHERE k IN (SELECT toString({v}))",
    "SHOW TABLES LIKE '%' LIMIT length(toString({v}))",
    "SHOW TABLES WHERE notEmpty(toString({v}))",
    "DESCRIBE (SELECT {v})",
    "EXPLAIN SELECT {v}",
    "SELECT 1 SETTINGS max_threads = {v}",
)  # fmt: skip
# {t} is a table or a table function.
_QUERIES_WITH_TABLE: Final = (
    *["SELECT * FROM {t}"] * 4,
    "SELECT * FROM {t} AS v_x",
    "SELECT v_x.* FROM {t} AS v_x",
    "FROM {t} SELECT *",
    "SELECT * FROM (SELECT * FROM {t})",
    "SELECT * FROM (FROM {t})",
    "SELECT * FROM v_x AS x CROSS JOIN {t} AS y",
    "SELECT * FROM v_x AS x, {t} AS y",
    "SELECT * FROM {t} AS x LEFT JOIN v_x AS y ON 1",
    "WITH z AS (SELECT * FROM {t}) SELECT * FROM z",
    "WITH v_x AS (SELECT * FROM {t}) SELECT * FROM v_x",
    "WITH events AS (SELECT * FROM {t}) SELECT * FROM events",
    "SELECT * FROM (WITH events AS (SELECT 1) SELECT * FROM events) AS x, {t} AS y",
    "SELECT * FROM {t} FINAL",
    "SELECT * FROM {t} LIMIT 1 BY 1",
    "SELECT 1 WHERE 0 UNION ALL SELECT toUInt8(length(toString(tuple(*)))) FROM {t}",
    "SELECT * FROM v_x AS x LEFT JOIN (SELECT * FROM {t}) AS y ON 1",
    "SELECT * FROM v_x |> CROSS JOIN {t}",
    "DESCRIBE TABLE {t}",
    "SHOW CREATE TABLE {t}",
)
_VALUES_WITH_TABLE: Final = (
    "(SELECT any(toString(tuple(*))) FROM {t})",
    "(SELECT groupArray(tuple(*)) FROM {t})",
    "if(exists(SELECT 1 FROM {t}), " + _OPENED_SQL + ", 'x')",
    "if('known-key' IN (SELECT k FROM {t}), " + _OPENED_SQL + ", 'x')",
    "if('known-key' = ANY (SELECT k FROM {t}), " + _OPENED_SQL + ", 'x')",
)
# Tables in the second argument of IN, by their mere names.
_VALUES_WITH_SET: Final = tuple(
    f"if({asked}, {_OPENED_SQL}, 'x')"
    for asked in (
        "'known-key' IN {s}",
        "'known-key' IN ({s})",
        "tuple('known-key') IN {s}",
        "NOT ('known-key' NOT IN {s})",
        "'known-key' GLOBAL IN {s}",
        "in('known-key', {s})",
        "globalIn('known-key', {s})",
        "arrayExists(i -> 'known-key' IN {s}, [1])",
        "(v_x -> 'known-key' IN {s})(1)",
        "'known-key' IN ({s} AS v_x)",
    )
)
_WRAPPINGS: Final = (
    *["{v}"] * 6,
    "toString({v})",
    "if(1, {v}, {v})",
    "(1, {v}).2",
    "arrayMap(i -> {v}, [1])",
    "arrayMap(i -> {v}, [1])[1]",
    "arrayJoin([{v}])",
    "CASE WHEN 1 THEN {v} END",
    "CAST({v} AS String)",
    "({v})::String",
    "coalesce({v}, 'x')",
    "(SELECT {v})",
    "(1 ? {v} : {v})",
    "tuple({v} AS z)",
    "map('x', {v})",
    "concat('x', toString({v}))",
    "formatRow('CSV', {v})",
    "identity({v})",
)
# {f} is the name of a function, {x} what it is called with.
_CALLS_BY_NAME: Final = (
    "{f}({x})",
    "arrayMap({f}, [{x}])",
    "arrayMap(({f}), [{x}])[1]",
    "arrayMap(i -> {f}(i), [{x}])",
    "arrayFilter({f}, [{x}])",
    "arraySort({f}, [{x}])",
    "arrayMax({f}, [{x}])",
    "arrayFold((s, i) -> {f}(i), [{x}], '')",
    "mapApply((m, i) -> (m, {f}(i)), map(1, {x}))",
    "tuple({f} AS f, arrayMap(f, [{x}])).2",
)
_TAILS: Final = (
    *[""] * 30,
    ";",
    " FORMAT JSONEachRow",
    " FORMAT Template",
    ' FORMAT "SQLInsert"',
    " SETTINGS max_threads = 1",
    " SETTINGS max_execution_time = 1000",
    " SETTINGS readonly = 0",
    " SETTINGS allow_introspection_functions",
    " /* /* */ SETTINGS max_threads = 1 */ SETTINGS allow_introspection_functions",
)
_BLINDS: Final = (
    "/* /* */ ' */",
    "/* /* */ SELECT */",
    "// '\n",
    "# `\n",
    "-- /*\n",
    "/*/ */",
    "#!'\n",
    "\t\f\v",
    "/**/",
    "\xa0",
    "$a$ $a$",
)


class Scene(NamedTuple):
    """What there is: the tables `events` and `keys` with a row each whose column `k` is `known-key`, `j` of
    the engine Join, the views `v_x` (a, k) and `v_p` (of a parameter `cutoff`), and a file."""

    database: str
    file: Path
    url: str


class Grammar:
    """Makes statements; the same seed makes the same ones."""

    def __init__(self, seed: int, scene: Scene) -> None:
        self._chance = random.Random(seed)
        self._scene = scene

    def statement(self) -> str:
        made = self._query_with_table() if self._chance.random() < 0.3 else self._query_with_value()
        tail = self._any(*_TAILS, f" INTO OUTFILE '{self._scene.file}.stolen'")
        return self._disguise(made + tail)

    def _query_with_table(self) -> str:
        return self._any(*_QUERIES_WITH_TABLE).replace("{t}", self._table())

    def _query_with_value(self, level: int = 0) -> str:
        return self._any(*_QUERIES_WITH_VALUE).replace("{v}", self._value(level))

    def _value(self, level: int) -> str:
        made = self._chance.choice(self._values(level))()
        for _ in range(self._chance.randrange(3)):
            made = self._any(*_WRAPPINGS).replace("{v}", made)
        return made

    def _values(self, level: int) -> tuple[Callable[[], str], ...]:
        deeper = (lambda: f"({self._query_with_value(level + 1)})",) if level < _MOST_LEVELS else ()
        return (
            *deeper,
            *[lambda: self._any(*_VALUES_WITH_TABLE).replace("{t}", self._table())] * 2,
            *[lambda: self._any(*_VALUES_WITH_SET).replace("{s}", self._name("keys"))] * 2,
            self._call,
            self._call,
            lambda: f"joinGet('{self._scene.database}.j', 'secret', 'known-key')",
            lambda: f"hasColumnInTable('{self._scene.database}', 'events', 'secret')",
        )

    def _call(self) -> str:
        call = self._any(*_CALLS_BY_NAME)
        return call.replace("{f}", self._spelt("file")).replace("{x}", f"'{self._scene.file}'")

    def _table(self) -> str:
        database, path, url = self._scene.database, self._scene.file, self._scene.url
        return self._any(
            *[self._name("events") for _ in range(8)],
            *[f"{self._spelt('file')}('{path}', 'LineAsString')" for _ in range(3)],
            f"'{path}'",
            f"`{path}`",
            f"v_x UUID '{_SOME_UUID}'",
            f"url('{url}', 'LineAsString', 'x String')",
            f"s3('{url}', 'LineAsString', 'x String')",
            f"remote('127.0.0.1', {database}, events)",
            f"cluster('default', {database}.events)",
            f"merge('{database}', '^ev')",
            "view(SELECT * FROM events)",
            f"viewIfPermitted(SELECT * FROM {database}.events ELSE null('x String'))",
            f"mergeTreeIndex('{database}', 'events')",
            "executable('cat', 'TSV', 'x String')",
            "values('k String', 'x')",
            "system.processes",
            "system.users",
        )

    def _name(self, name: str) -> str:
        """A table of the database in one of its spellings."""
        database, spelt = self._scene.database, self._spelt(name)
        return self._any(
            spelt, spelt, f"{database}.{spelt}", f"`{database}` . {spelt}", f"{database}/**/.{spelt}"
        )

    def _spelt(self, name: str) -> str:
        escaped = f"`{name[0]}\\x{ord(name[1]):x}{name[2:]}`"
        return self._any(name, name, name, f"`{name}`", f'"{name}"', f"/* x */{name}", escaped)

    def _disguise(self, sql: str) -> str:
        """Comments and blanks by which two lexers could come apart."""
        if self._chance.random() < 0.85:
            return sql
        words = sql.split(" ")
        at = self._chance.randrange(len(words))
        return " ".join((*words[:at], self._any(*_BLINDS), *words[at:]))

    def _any(self, *choices: str) -> str:
        return self._chance.choice(choices)
