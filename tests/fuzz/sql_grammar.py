"""Random SELECTs around what `bi_reader` must not reach: base tables, files, networks, settings.

Whoever reads the table or the file gets its secret; whoever can only ask whether it holds something, gets
`OPENED`. Neither stands in the statement itself, so an answer that holds one has been where the reader
may not be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

OPENED: Final = "door-is-open"
_OPENED_SQL: Final = "concat('door', '-is-', 'open')"
_SOME_UUID: Final = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
_MOST_LEVELS: Final = 4


class Scene(NamedTuple):
    """What there is: a database with the table `events` and the views `v_x` and `v_p`, and a file."""

    database: str
    file: Path
    url: str
    key: str
    """What column `k` of `events` holds, known to everybody."""


class Grammar:
    """Makes statements; the same seed makes the same ones."""

    def __init__(self, seed: int, scene: Scene) -> None:
        self._chance = random.Random(seed)
        self._scene = scene
        self._level = 0

    def statement(self) -> str:
        """One statement, in which nearly always something forbidden is tried."""
        self._level = 0
        made = self._pick(
            (20, self._query),
            (2, lambda: f"WITH {self._cte()} {self._query()}"),
            (1, lambda: f"DESCRIBE ({self._query()})"),
            (1, lambda: f"DESCRIBE TABLE {self._table()}"),
            (1, lambda: f"SHOW TABLES LIKE '%' LIMIT {self._value()}"),
            (1, lambda: f"SHOW CREATE TABLE {self._name('events')}"),
            (1, lambda: f"EXPLAIN {self._query()}"),
            (1, lambda: f"{self._query()} {self._any('UNION ALL', 'EXCEPT', 'INTERSECT')} {self._query()}"),
        )
        return self._disguise(made + self._tail())

    # -- queries ----------------------------------------------------------------------------------

    def _query(self) -> str:
        self._level += 1
        made = self._pick(
            (12, self._select),
            (1, lambda: f"(({self._select()}))"),
            (1, lambda: f"FROM {self._table()} SELECT *"),
            (1, lambda: f"WITH {self._cte()} {self._select()}"),
        )
        self._level -= 1
        return made

    def _select(self) -> str:
        columns = ", ".join(self._value() for _ in range(self._chance.randint(1, 2)))
        columns = self._any(columns, columns, f"*, {columns}", "*", f"DISTINCT ON ({self._value()}) *")
        clauses = (
            f" {self._any('', 'LEFT')} ARRAY JOIN [{self._value()}] AS z",
            f" PREWHERE {self._value()}",
            f" WHERE {self._condition()}",
            f" GROUP BY {self._any('ALL', self._value(), 'GROUPING SETS ((1), (2))')}",
            f" HAVING {self._condition()}",
            f" WINDOW w AS (ORDER BY {self._value()} ROWS {self._value()} PRECEDING)",
            f" QUALIFY {self._condition()}",
            f" ORDER BY {self._value()} WITH FILL FROM {self._value()} INTERPOLATE (k AS {self._value()})",
            f" ORDER BY {self._value()}",
            f" LIMIT {self._any('1', self._value())} BY {self._value()}",
            f" LIMIT {self._any('3', self._value())}",
        )
        chosen = "".join(clause for clause in clauses if self._chance.random() < 0.07)
        return f"SELECT {columns} FROM {self._tables()}{chosen}"

    def _tables(self) -> str:
        return self._pick(
            (8, self._table),
            (1, lambda: f"{self._table()} AS x CROSS JOIN {self._table()} AS y"),
            (1, lambda: f"{self._table()} AS x JOIN {self._table()} AS y ON {self._condition()}"),
            (1, lambda: f"{self._table()} AS x, {self._table()} AS {self._any('y', 'v_x', 'events')}"),
        )

    def _cte(self) -> str:
        name = self._any("q", "v_q", "v_x", "events", "file")
        return self._pick(
            (3, lambda: f"{name} AS {self._any('', 'MATERIALIZED ', 'NOT MATERIALIZED ')}({self._query()})"),
            (1, lambda: f"{name}(k) AS ({self._query()})"),
            (2, lambda: f"{self._value()} AS {name}"),
            (1, lambda: f"{name} -> {self._value()} AS f"),
            (1, lambda: f"events AS {name}, {name} AS f"),
        )

    # -- tables -----------------------------------------------------------------------------------

    def _table(self) -> str:
        if self._level >= _MOST_LEVELS or self._chance.random() < 0.6:
            return self._any(*["v_x"] * 9, "numbers(3)", "q", "v_q", f"{self._scene.database}.v_x")
        return self._pick(
            (4, lambda: f"({self._query()})"),
            (4, lambda: self._name("events")),
            (2, lambda: f"v_p(cutoff = {self._value()})"),
            (4, self._table_function),
            (1, lambda: self._any("system.query_log", "system.processes", "system.parts", "system.users")),
            (1, lambda: f"v_x UUID '{_SOME_UUID}'"),
        )

    def _table_function(self) -> str:
        database, path, url = self._scene.database, self._scene.file, self._scene.url
        return self._any(
            f"{self._spelt('file')}('{path}', 'LineAsString')",
            f"'{path}'",
            f"`{path}`",
            f"url('{url}', 'LineAsString')",
            f"s3('{url}', 'LineAsString')",
            f"remote('127.0.0.1', {database}, events)",
            f"cluster('default', {database}.events)",
            f"merge('{database}', '^ev')",
            f"view({self._query()})",
            f"viewIfPermitted({self._query()} ELSE null('x String'))",
            f"mergeTreeIndex('{database}', 'events')",
            f"dictionary('{database}.events')",
            "executable('cat', 'TSV', 'x String')",
            "generateRandom('k String', 1, 1, 1)",
            f"values('k String', {self._value()})",
            f"numbers({self._value()})",
        )

    # -- values -----------------------------------------------------------------------------------

    def _condition(self) -> str:
        return f"{self._value()} {self._any('=', 'IN', 'NOT IN', 'GLOBAL IN')} {self._set()}"

    def _set(self) -> str:
        return self._pick(
            (
                3,
                lambda: self._any(
                    "events", f"{self._scene.database}.events", "(events)", "v_x", "q", "x", "f"
                ),
            ),
            (2, lambda: self._name("events")),
            (2, lambda: f"({self._query()})"),
            (8, lambda: f"({self._value()})"),
        )

    def _value(self) -> str:
        if self._level >= _MOST_LEVELS or self._chance.random() < 0.55:
            return self._any(*["1", "a", "k", "'x'", "toUInt8(1)"] * 4, "NULL", "x.k", "w", "x", "f(1)")
        self._level += 1
        made = self._pick((1, self._forbidden), (3, self._wrapped))
        self._level -= 1
        return made

    def _wrapped(self) -> str:
        value, other = self._value(), self._value()
        return self._any(
            f"toString({value})",
            f"if(1, {value}, {other})",
            f"({value}, {other}).1",
            f"arrayMap(i -> {value}, [1])",
            f"arrayMap(i -> {value}, [{other}])[1]",
            f"arrayJoin([{value}])",
            f"({value}) AS {self._any('q', 'f', 'v_x', 'events')}",
            f"CASE WHEN 1 THEN {value} ELSE {other} END",
            f"CAST({value} AS String)",
            f"({value})::String",
            f"any({value}) OVER (PARTITION BY {other} ROWS BETWEEN {other} PRECEDING AND CURRENT ROW)",
            f"any({value}) FILTER (WHERE {other})",
            f"coalesce({value}, {other})",
            f"(SELECT {value})",
            f"{value} ? {other} : {value}",
            f"concat(toString({value}), toString({other}))",
            f"* REPLACE ({value} AS k)",
            f"* APPLY(i -> {value})",
            "COLUMNS('k')",
        )

    def _forbidden(self) -> str:
        database, path = self._scene.database, self._scene.file
        return self._pick(
            (4, lambda: f"(SELECT {self._any('secret', 'any(secret)', '*')} FROM {self._name('events')})"),
            (4, lambda: f"if({self._asked()}, {_OPENED_SQL}, 'x')"),
            (3, lambda: f"{self._spelt('file')}('{path}')"),
            (3, lambda: self._by_name(f"{self._spelt('file')}", f"'{path}'")),
            (1, lambda: f"joinGet('{database}.j', 'secret', '{self._scene.key}')"),
            (1, lambda: self._by_name("joinGet", f"'{database}.j'")),
            (1, lambda: f"dictGet('{database}.d', 'secret', 1)"),
            (1, lambda: f"hasColumnInTable('{database}', 'events', 'secret')"),
            (1, lambda: "getSetting('max_execution_time')"),
        )

    def _asked(self) -> str:
        """Whether the table has a row that everybody knows: true for who may ask it."""
        row = f"('{self._scene.key}')"
        return self._pick(
            (2, lambda: f"{row} IN {self._name('keys')}"),
            (1, lambda: f"{self._spelt('in')}({row}, {self._name('keys')})"),
            (1, lambda: f"exists(SELECT 1 FROM {self._name('keys')})"),
            (1, lambda: f"{row} = ANY (SELECT k FROM {self._name('events')})"),
        )

    def _by_name(self, function: str, argument: str) -> str:
        """A function that is called by one that takes functions."""
        return self._any(
            f"arrayMap({function}, [{argument}])",
            f"arrayFilter({function}, [{argument}])",
            f"arrayMap(({function}), [{argument}])[1]",
            f"arrayMap(i -> {function}(i), [{argument}])",
            f"arraySort({function}, [{argument}])",
            f"arrayFold({function}, [{argument}], '')",
            f"mapApply({function}, map({argument}, {argument}))",
            f"(({function} AS f), arrayMap(f, [{argument}])).2",
        )

    # -- spelling ---------------------------------------------------------------------------------

    def _name(self, name: str) -> str:
        """A table of the database in one of its spellings."""
        database = self._scene.database
        spelt = self._spelt(name)
        return self._any(
            spelt, spelt, f"{database}.{spelt}", f"`{database}` . {spelt}", f"`{database}.{name}`"
        )

    def _spelt(self, name: str) -> str:
        return self._any(
            name,
            name,
            name,
            f"`{name}`",
            f'"{name}"',
            f"/* x */{name}",
            f"`{name[0]}\\x{ord(name[1]):x}{name[2:]}`",
        )

    def _tail(self) -> str:
        return self._any(
            *("" for _ in range(12)),
            ";",
            " FORMAT JSONEachRow",
            ' FORMAT "SQLInsert"',
            " SETTINGS max_execution_time = 1000",
            " SETTINGS readonly = 0",
            " SETTINGS allow_introspection_functions",
            f" INTO OUTFILE '{self._scene.file}.stolen'",
            f" |> WHERE {self._condition()}",
            f" |> JOIN {self._table()} USING (k)",
        )

    def _disguise(self, sql: str) -> str:
        """Comments and blanks by which two lexers could come apart."""
        if self._chance.random() < 0.8:
            return sql
        words = sql.split(" ")
        at = self._chance.randrange(len(words))
        blind = (
            "/* /* */ ' */",
            "// '\n",
            "# `\n",
            "-- /*\n",
            "/*/ */",
            "$a$ $a$",
            "#!'\n",
            "\t\f\v",
            "/**/",
            "\xa0",
        )
        return " ".join((*words[:at], self._chance.choice(blind), *words[at:]))

    def _any(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def _pick(self, *choices: tuple[int, Callable[[], str]]) -> str:
        weights: Sequence[int] = [weight for weight, _ in choices]
        (chosen,) = self._chance.choices([make for _, make in choices], weights)
        return chosen()
