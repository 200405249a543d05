"""The clients of the matrix, each as the tool that is named with it sets it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.bi.place import Place
from tests.bi.processes import ZONE, go_lines, jdbc_lines, missing, node_lines
from tests.bi.python_readers import connected, lines, sqlalchemy_connected
from tests.bi.reading import Line
from tests.bi.tools import DBEAVER, GRAFANA, METABASE, SUPERSET, Tool

NOBODY: Final = Tool("none")


@dataclass(frozen=True)
class Client:
    """`name` heads its column; `needs` are programs that it runs on."""

    name: str
    lines: Callable[[Place, Sequence[str]], Iterator[Line]]
    tool: Tool = NOBODY
    needs: tuple[str, ...] = ()

    @property
    def lacks(self) -> str:
        return missing(*self.needs)


def _connect_lines(place: Place, statements: Sequence[str]) -> Iterator[Line]:
    with connected(place) as reader:
        yield from lines(reader, statements)


def _sqlalchemy_lines(place: Place, statements: Sequence[str]) -> Iterator[Line]:
    with sqlalchemy_connected(place) as reader:
        yield from lines(reader, statements)


_JAVA: Final = ("java", "javac", "mvn")
_AS_METABASE: Final = {
    "product_name": "metabase/v0.60",
    "jdbc_ignore_unsupported_values": "true",
    "jdbc_schema_term": "schema",
    "clickhouse_setting_select_sequential_consistency": "1",
    "clickhouse_setting_session_timezone": "Europe/Berlin",
}
_AS_DBEAVER: Final = {
    "use_server_time_zone": "false",
    "use_time_zone": ZONE,
    "clickhouse_setting_session_id": "sess_of_dbeaver",
}

CLIENTS: Final = (
    Client("clickhouse-connect", _connect_lines),
    Client("SQLAlchemy", _sqlalchemy_lines, SUPERSET),
    Client("Node", node_lines, needs=("node", "npm")),
    Client("Go", go_lines, GRAFANA, ("go",)),
    Client("JDBC 0.9", partial(jdbc_lines, version="0.9.8", properties=_AS_METABASE), METABASE, _JAVA),
    Client("JDBC 0.11", partial(jdbc_lines, version="0.11.0", properties=_AS_DBEAVER), DBEAVER, _JAVA),
)
