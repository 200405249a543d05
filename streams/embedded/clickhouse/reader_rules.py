"""What `bi_reader` may name: statements, tables, functions, settings, formats."""

from __future__ import annotations

import re

from streams.embedded.clickhouse.errors import ACCESS_DENIED, QueryError, query_error


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_EXECUTION_SECONDS = 60
# Quota of one query.
CAPS = {"max_memory_usage": str(2 << 30)}
# What a server reads of a statement unless it is told otherwise (max_query_size).
MAX_STATEMENT_BYTES = 256 << 10

STATEMENTS = frozenset((b"SELECT", b"WITH", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS"))
# The last three say what this ClickHouse can do, the same on every machine: without them DBeaver gives up,
# Superset and Grafana complete less.
SYSTEM_TABLES = names(
    "system.tables system.columns system.databases system.settings "
    "system.functions system.table_functions system.table_engines"
)
TABLE_FUNCTIONS = frozenset(("numbers", "generate_series", "generateSeries"))
FORMATS = names(
    "Native TabSeparated TSV TabSeparatedWithNames TSVWithNames TabSeparatedWithNamesAndTypes "
    "TSVWithNamesAndTypes TabSeparatedRaw TSVRaw CSV CSVWithNames CSVWithNamesAndTypes JSON JSONCompact "
    "JSONStrings JSONEachRow JSONLines NDJSON JSONCompactEachRow JSONCompactEachRowWithNamesAndTypes "
    "JSONColumns RowBinary RowBinaryWithNames RowBinaryWithNamesAndTypes Arrow ArrowStream Parquet "
    "Pretty PrettyCompact PrettySpace Vertical Markdown Values XML Null"
)

_VIEW = re.compile(r"v_[A-Za-z0-9_]+")
# In lower case: what reads files, tables, dictionaries, models, networks or memory, or holds a thread.
_DENIED_FUNCTION = re.compile(
    r"file|filesystem.*|joinget.*|dict.*|region.*|ai[a-z]+|evalmlmethod|catboost.*|naivebayesclassifier.*"
    r"|assigncentroid|addressto.*|demangle|logtrace|tid|mergetree.*|ismergetree.*|showcertificate|getmacro"
    r"|getclienthttpheader|hascolumnintable|generateserialid|zookeeper.*|transaction.*|sleep.*"
)
_SETTINGS = names(
    "max_execution_time max_result_rows max_result_bytes max_rows_to_read max_bytes_to_read max_threads "
    "max_block_size result_overflow_mode timeout_overflow_mode read_overflow_mode "
    "date_time_input_format date_time_output_format cast_string_to_dynamic_use_inference "
    "session_timezone join_use_nulls extremes log_comment limit offset union_default_mode "
    "format_csv_null_representation"
)

#: About inserts, replicas and servers among themselves, yet drivers send them along with every statement.
OF_NO_EFFECT = names("async_insert network_compression_method select_sequential_consistency")


def refuse(why: str) -> QueryError:
    """ACCESS_DENIED in one line; what a client wrote is shown without line feeds, and cut off."""
    shown = "".join(char if char.isprintable() else "?" for char in why)
    return query_error(ACCESS_DENIED, f"bi_reader: Not enough privileges: {shown[:300]}")


def is_view(name: str) -> bool:
    return _VIEW.fullmatch(name) is not None


def is_denied_function(name: str) -> bool:
    return _DENIED_FUNCTION.fullmatch(name.lower()) is not None


def is_setting_allowed(name: str) -> bool:
    # `output_format_schema` names a file to write.
    return name in _SETTINGS or (name.startswith("output_format_") and name != "output_format_schema")


def visible_tables() -> str:
    """The value of `additional_table_filters` by which lists in `system` hold what the reader may read."""
    filters = {
        "system.tables": _readable("name"),
        "system.columns": _readable("`table`"),
        "system.databases": "name IN (currentDatabase(), 'system')",
    }
    pairs = (f"'{table}': '{_escaped(condition)}'" for table, condition in filters.items())
    return f"{{{', '.join(pairs)}}}"


def _readable(column: str) -> str:
    """A condition on `database` and the column that names a table."""
    system = ", ".join(f"'{name.removeprefix('system.')}'" for name in sorted(SYSTEM_TABLES))
    own = f"database = currentDatabase() AND startsWith({column}, 'v_')"
    return f"({own}) OR (database = 'system' AND {column} IN ({system}))"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def check_setting(name: str, value: str) -> None:
    """Of a SETTINGS clause, which wins over the URL and so over the limits set there.

    Raises:
        QueryError: 497 naming the setting.
    """
    if not is_setting_allowed(name):
        raise refuse(f"the setting {name} may not be changed")
    if name == "max_execution_time" and execution_seconds(value.strip("'")) is None:
        raise refuse(f"max_execution_time may be more than 0 and at most {MAX_EXECUTION_SECONDS} seconds")


def execution_seconds(value: str) -> float | None:
    """The limit that a reader asks for; None where it is none, or too long."""
    seconds = float(value) if value.replace(".", "", 1).isdecimal() else 0.0
    return seconds if 0 < seconds <= MAX_EXECUTION_SECONDS else None
