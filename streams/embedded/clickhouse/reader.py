"""Admission of `bi_reader`: decided on ClickHouse's own parse of the statement, before it runs.

chDB cannot create users, and under `readonly=1` it still executes INTO OUTFILE and reads files and URLs.
`EXPLAIN AST` in turn leaves some things out (values of SETTINGS, lambdas of APPLY, conditions of SHOW, names
of common table expressions), so the tokens are checked as well; what the two do not agree on is refused.
Tables, table functions, statements, settings and formats are denied by default; functions by a list.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.embedded.clickhouse.engine import Handle, quote_text
from streams.embedded.clickhouse.reader_rules import (
    CAPS,
    FORMATS,
    MAX_EXECUTION_SECONDS,
    MAX_STATEMENT_BYTES,
    OF_NO_EFFECT,
    STATEMENTS,
    SYSTEM_TABLES,
    TABLE_FUNCTIONS,
    execution_seconds,
    is_denied_function,
    is_setting_allowed,
    is_view,
    names,
    refuse,
    visible_tables,
)
from streams.embedded.clickhouse.reader_text import Text, is_safe_name, read_text
from streams.embedded.clickhouse.reader_tree import Node, parse_tree
from streams.embedded.clickhouse.request import Request
from streams.embedded.clickhouse.statement import first_word, output_format

_IN = frozenset(
    negation + null + "in" + tail
    for negation in ("", "not", "global", "globalnot")
    for null in ("", "null")
    for tail in ("", "ignoreset")
)
_NODES = names(
    "SelectWithUnionQuery SelectQuery SelectIntersectExceptQuery ExpressionList Identifier "
    "TableIdentifier Function Literal Subquery TablesInSelectQuery TablesInSelectQueryElement "
    "TableExpression TableJoin ArrayJoin Asterisk QualifiedAsterisk ColumnsTransformerList "
    "ColumnsExceptTransformer ColumnsReplaceTransformer ColumnsReplaceTransformer::Replacement "
    "ColumnsRegexpMatcher ColumnsListMatcher OrderByElement WithElement Set WindowDefinition "
    "WindowListElement InterpolateElement SampleRatio DataType DescribeQuery ShowTables "
    "ExistsTableQuery ExistsViewQuery ExistsDatabaseQuery ShowCreateTableQuery ShowCreateViewQuery"
)
_OF_ONE_TABLE = frozenset(
    ("ExistsTableQuery", "ExistsViewQuery", "ShowCreateTableQuery", "ShowCreateViewQuery")
)


def admit_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """The URL's settings, capped, if the reader may bring all of them; without those of no effect.

    Raises:
        QueryError: 497 naming the setting.
    """
    asked = {name: value for name, value in settings.items() if name not in OF_NO_EFFECT}
    for name in asked:
        if not is_setting_allowed(name):
            raise refuse(f"the setting {name} may not be changed")
    limit = execution_seconds(asked.get("max_execution_time", "")) or MAX_EXECUTION_SECONDS
    return {**CAPS, **asked, "max_execution_time": f"{limit:g}"}


def check_length(sql: bytes) -> None:
    """Refuse a statement whose tokens and tree would take much memory, before they are made.

    Raises:
        QueryError: 497.
    """
    if len(sql) > MAX_STATEMENT_BYTES:
        raise refuse(f"a statement may be {MAX_STATEMENT_BYTES} bytes long")


def admit(handle: Handle, request: Request) -> None:
    """Let `request.sql` pass, or not. `handle` already has its database and parameters.

    Raises:
        QueryError: 497 with one line that says what is refused, or ClickHouse's own if it does not parse.
    """
    # 1. One statement that ClickHouse's parser itself calls read-only, of a kind that is on the list.
    if handle.classify(request.sql) != ("READ_ONLY", 1) or first_word(request.sql) not in STATEMENTS:
        raise refuse("only one SELECT, SHOW, DESCRIBE or EXISTS is allowed")
    if request.external:
        raise refuse("external tables are not allowed")
    # 2. What the tree would not show.
    text = read_text(request.sql)
    _check_identifiers(text, request)
    _check_format(output_format(request.sql) or request.default_format)
    # 3. The tree: known nodes only, no table but views and some of system, no function that reaches outside.
    lines, _ = handle.query(b"EXPLAIN AST " + request.sql, "TabSeparatedRaw")
    walk = _walked(request, lines)
    # 4. Text and tree must tell of the same SELECTs and the same SETTINGS.
    if (walk.selects, walk.settings) != (text.selects, text.settings):
        raise refuse(
            "SELECT or SETTINGS stands where it cannot be checked, write the query in a plainer form"
        )
    # 5. Names that can only be common table expressions, and columns that can only be columns.
    _check_expressions(handle, text, walk.unknown_tables)
    _check_columns(handle, walk.denied_names)
    # 6. Lists of tables tell of what the reader may read, as a server's do. After 5, which looks at all.
    # 7. And should a writing statement have come this far, ClickHouse refuses it.
    handle.apply({"additional_table_filters": visible_tables(), "readonly": "2"})


def _walked(request: Request, tree: bytes) -> _Walk:
    """The walk over a statement's tree, as EXPLAIN AST prints it; raises as `admit` does."""
    walk = _Walk(request.database or "default", output_format(request.sql))
    try:
        walk.run(parse_tree(tree.decode("utf-8", "surrogateescape")))
    except RecursionError:
        raise refuse("the statement is nested too deeply") from None
    return walk


def _check_format(name: str) -> None:
    if name and name not in FORMATS:
        raise refuse(f"the format {name} is not allowed, use one of {', '.join(sorted(FORMATS))}")


def _check_identifiers(text: Text, request: Request) -> None:
    """The values of `{name:Identifier}` are names in the tree, but not in the text."""
    for name in text.identifiers & request.params.keys():
        if not is_safe_name(request.params[name].encode("utf-8", "surrogateescape")):
            raise refuse(f"the parameter {name} is no plain name")


def _check_columns(handle: Handle, denied: set[str]) -> None:
    """`arrayMap(file, …)` calls a function by its mere name; a column may only have one that none has."""
    if denied:
        listed = b", ".join(quote_text(name.lower()) for name in sorted(denied))
        sql = b"SELECT name FROM system.functions WHERE lower(name) IN (" + listed + b") LIMIT 1"
        found, _ = handle.query(sql, "TabSeparatedRaw")
        if found:
            raise refuse(f"the function {found.decode().strip()} is not allowed")


def _check_expressions(handle: Handle, text: Text, tables: set[str]) -> None:
    """A name can only be a common table expression if the text defines it and no table has it."""
    for name in sorted(tables):
        if name not in text.expressions:
            raise refuse(f"{name} may not be read, only views v_* of the current database")
    if tables:
        names = b", ".join(quote_text(name) for name in sorted(tables))
        sql = (
            b"SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN ("
            + names
            + b") LIMIT 1"
        )
        found, _ = handle.query(sql, "TabSeparatedRaw")
        if found:
            raise refuse(f"WITH … AS may not take the name of the table {found.decode().strip()}")


class _Walk:
    """Visits a tree once; counts what the text must agree with, collects names that need a second look."""

    def __init__(self, database: str, output_format: str | None) -> None:
        self._database = database
        self._format = output_format
        self.selects = 0
        self.settings = 0
        self.unknown_tables: set[str] = set()
        self.denied_names: set[str] = set()
        self._read_by_in: set[str] = set()
        self._renamed: set[str] = set()

    def run(self, tree: Node) -> None:
        self.visit(tree)
        # `WITH events AS v_x SELECT 1 IN v_x` reads events.
        if both := self._read_by_in & self._renamed:
            raise refuse(f"IN {min(both)} may not be read, {min(both)} is another name's alias")

    def visit(self, node: Node) -> None:
        if node.kind not in _NODES:
            raise refuse(f"{node.kind} is not allowed")
        self.selects += node.kind == "SelectQuery"
        self.settings += node.kind == "Set"
        if node.kind == "Identifier":
            self._identifier(node)
        if node.kind == "TableIdentifier":
            self._table(node.text)
        elif node.kind in _OF_ONE_TABLE:
            self._table(".".join(self._path(node)))
        elif node.kind == "Function":
            self._function(node)
        for child in node.children:
            if node.kind == "TableExpression" and child.kind == "Function":
                self._table_function(child)
            self.visit(child)

    def _identifier(self, node: Node) -> None:
        if node.alias:
            self._renamed.add(node.alias)
        if is_denied_function(node.text):
            self.denied_names.add(node.text)

    def _path(self, node: Node) -> list[str]:
        """Database, if it is named, and table; of a FORMAT clause the tree has the name behind them."""
        parts = [child.text for child in node.children]
        return parts[:-1] if len(parts) > 1 and parts[-1] == self._format else parts

    def _table(self, name: str) -> None:
        if name in SYSTEM_TABLES or is_view(name.removeprefix(f"{self._database}.")):
            return
        if not name.isidentifier():
            raise refuse(f"{name} may not be read, only views v_* of the current database")
        self.unknown_tables.add(name)

    def _table_function(self, node: Node) -> None:
        if node.text not in TABLE_FUNCTIONS and not is_view(node.text.removeprefix(f"{self._database}.")):
            raise refuse(f"the table function {node.text} is not allowed")

    def _function(self, node: Node) -> None:
        if is_denied_function(node.text):
            raise refuse(f"the function {node.text} is not allowed")
        arguments = node.children[0].children if node.children else ()
        # `x IN name` reads the table `name`.
        if node.text.lower() in _IN and len(arguments) > 1 and arguments[1].kind == "Identifier":
            self._read_by_in.add(arguments[1].text)
            self._table(arguments[1].text)
