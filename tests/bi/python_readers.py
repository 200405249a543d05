"""clickhouse-connect and its SQLAlchemy dialect, as notebooks and Superset use them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timezone
from typing import Any, Protocol

import clickhouse_connect
import sqlalchemy
from clickhouse_connect.driver.client import Client

from tests.bi.place import PARAMETRIZED, READER, Place, relation_of
from tests.bi.reading import Cell, Column, Line

Rows = Iterable[Sequence[Any]]


class Reader(Protocol):
    """A client in this process. `relation` is what stands behind FROM."""

    def views(self) -> list[str]: ...
    def describe(self, view: str) -> list[Column]: ...
    def rows(self, sql: str) -> Rows: ...
    def page(self, relation: str, size: int, offset: int) -> Rows: ...


def lines(reader: Reader, statements: Sequence[str]) -> Iterator[Line]:
    """All that a reading consists of, step by step."""
    ((version,),) = reader.rows("SELECT version()")
    yield {"step": "connect", "about": "", "version": version}
    yield {"step": "list", "about": "", "views": reader.views()}
    for view in reader.views():
        yield from _of_view(reader, view)
    yield from _attempt("refused", "", lambda: _counted(reader, "", "events"))
    yield from _attempt("wrong_name", "", lambda: _counted(reader, "", "v_no_such_view"))
    yield from _attempt(
        "wrong_column", "", lambda: [{"rows": list(reader.rows("SELECT no_such_column FROM v_clock"))}]
    )
    yield from _attempt("long", "", lambda: _long(reader))
    for sql in statements:
        yield from _attempt("statement", sql, lambda sql=sql: [_stated(reader, sql)])  # type: ignore[misc]


def _attempt(step: str, about: str, work: Callable[[], Iterable[Line]]) -> Iterator[Line]:
    try:
        yield from work()
    except Exception as error:
        yield {"step": step, "about": about, "failed": str(error)}


def _of_view(reader: Reader, view: str) -> Iterator[Line]:
    relation = relation_of(view)
    if relation != PARAMETRIZED:
        yield from _attempt(
            "describe",
            view,
            lambda: [{"step": "describe", "about": view, "columns": reader.describe(view)}],
        )
    yield from _attempt("count", view, lambda: _counted(reader, view, relation))
    yield from _attempt("page", view, lambda: _paged(reader, view, relation))


def _counted(reader: Reader, view: str, relation: str) -> Iterator[Line]:
    ((count,),) = reader.rows(f"SELECT count() FROM {relation}")
    yield {"step": "count", "about": view, "count": str(count)}


def _paged(reader: Reader, view: str, relation: str) -> Iterator[Line]:
    """A third of the view at a time."""
    ((count,),) = reader.rows(f"SELECT count() FROM {relation}")
    size = count // 3 + 1
    for offset in range(0, count, size):
        rows = [[text(cell) for cell in row] for row in reader.page(relation, size, offset)]
        yield {"step": "page", "about": view, "rows": rows}


def _long(reader: Reader) -> Iterator[Line]:
    rows = list(reader.rows("SELECT number, toString(number) FROM numbers(300000)"))
    yield {
        "step": "long",
        "about": "",
        "rows": str(len(rows)),
        "sum": str(sum(number + len(digits) for number, digits in rows)),
    }


def _stated(reader: Reader, sql: str) -> Line:
    return {"step": "statement", "about": sql, "rows": len(list(reader.rows(sql)))}


def text(value: object) -> Cell:
    """A cell as ClickHouse writes it; a datetime without a zone is in UTC."""
    if isinstance(value, datetime):
        instant = value.astimezone(timezone.utc) if value.tzinfo else value
        return instant.replace(tzinfo=None).isoformat(" ", "milliseconds")
    if value is None or isinstance(value, str):
        return value
    assert isinstance(value, int | float | date), f"{value!r} is a {type(value)}"
    return str(value)


class ConnectReader:
    """clickhouse-connect itself: parameters on the server, rows as a stream."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def views(self) -> list[str]:
        return [name for (name,) in self.rows("SHOW TABLES")]

    def describe(self, view: str) -> list[Column]:
        found = self._client.query(f"DESCRIBE TABLE {view}").named_results()
        return [Column(column["name"], column["type"], column["comment"]) for column in found]

    def rows(self, sql: str) -> Rows:
        with self._client.query_rows_stream(sql) as rows:
            yield from rows

    def page(self, relation: str, size: int, offset: int) -> Rows:
        names = self._client.query(f"SELECT * FROM {relation} LIMIT 0").column_names
        order = ", ".join(f"`{name}`" for name in names)
        sql = f"SELECT * FROM {relation} ORDER BY {order} LIMIT {{size:UInt32}} OFFSET {{offset:UInt32}}"
        return self._client.query(sql, parameters={"size": size, "offset": offset}).result_rows


class SqlalchemyReader:
    """The dialect `clickhousedb://`: an inspector and reflected tables, as in Superset."""

    def __init__(self, connection: sqlalchemy.engine.Connection, database: str) -> None:
        self._connection = connection
        self._database = database
        self._tables = sqlalchemy.MetaData()

    def views(self) -> list[str]:
        inspector = sqlalchemy.inspect(self._connection)
        assert self._database in inspector.get_schema_names()
        names = {*inspector.get_table_names(self._database), *inspector.get_view_names(self._database)}
        return sorted(names)

    def describe(self, view: str) -> list[Column]:
        found = sqlalchemy.inspect(self._connection).get_columns(view, self._database)
        return [Column(column["name"], column["type"].name, column["comment"]) for column in found]

    def rows(self, sql: str) -> Rows:
        # A text of its own: SQLAlchemy's would take `:name` for a parameter.
        return self._connection.exec_driver_sql(sql)

    def page(self, relation: str, size: int, offset: int) -> Rows:
        if relation == PARAMETRIZED:
            return self.rows(f"SELECT * FROM {relation} ORDER BY ALL LIMIT {size} OFFSET {offset}")
        table = sqlalchemy.Table(
            relation, self._tables, schema=self._database, autoload_with=self._connection
        )
        page = sqlalchemy.select(table).order_by(*table.columns).limit(size).offset(offset)
        return self._connection.execute(page)


@contextmanager
def connected(place: Place) -> Iterator[ConnectReader]:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=place.port, username=READER, database=place.database
    )
    try:
        yield ConnectReader(client)
    finally:
        client.close()


@contextmanager
def sqlalchemy_connected(place: Place) -> Iterator[SqlalchemyReader]:
    url = f"clickhousedb://{READER}@127.0.0.1:{place.port}/{place.database}"
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            yield SqlalchemyReader(connection, place.database)
    finally:
        engine.dispose()
