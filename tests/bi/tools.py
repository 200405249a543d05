"""What BI tools send of their own accord when they connect, synchronize or draw a chart, from their sources.

`asks` must be answered. `refused` to `bi_reader` by the embedded front is what reads other tables of
`system`: Metabase, Superset and Grafana note that and go on, DBeaver gives up.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Tool(NamedTuple):
    name: str
    asks: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


METABASE: Final = Tool(
    "Metabase",
    (
        "SELECT timezone() AS tz",
        "WITH s AS (SELECT version() AS ver, splitByChar('.', ver) AS verSplit)"
        " SELECT s.ver, toInt32(verSplit[1]), toInt32(verSplit[2]) FROM s",
        "SELECT value='1' FROM system.settings WHERE name='cloud_mode'",
        # A question: revenue by month; and the values of a column for a filter.
        "-- Metabase:: userID: 1 queryType: MBQL queryHash: 5d2b\n"
        "SELECT toStartOfMonth(`bi`.`v_orders`.`ordered_at`) AS `ordered_at`,"
        " sum(`bi`.`v_orders`.`net_minor`) AS `sum` FROM `bi`.`v_orders`"
        " WHERE (`bi`.`v_orders`.`ordered_at` >= parseDateTimeBestEffort('2025-12-01T00:00Z'))"
        " AND (`bi`.`v_orders`.`currency` = 'EUR')"
        " GROUP BY toStartOfMonth(`bi`.`v_orders`.`ordered_at`)"
        " ORDER BY toStartOfMonth(`bi`.`v_orders`.`ordered_at`) ASC",
        "SELECT `bi`.`v_events`.`type` AS `type` FROM `bi`.`v_events` GROUP BY `bi`.`v_events`.`type`"
        " ORDER BY `bi`.`v_events`.`type` ASC LIMIT 1000",
    ),
    ("SELECT count() = 0 FROM system.clusters WHERE is_local = 0",),
)

SUPERSET: Final = Tool(
    "Superset",
    (
        "SELECT 1",
        # A time series with a row limit, a virtual dataset, and SQL Lab.
        "SELECT toStartOfMonth(toDateTime(`ordered_at`)) AS `__timestamp`,"
        " sum(`net_minor`) AS `SUM(net_minor)`\nFROM `bi`.`v_orders`\n"
        "WHERE `ordered_at` >= toDateTime('2025-12-01 00:00:00')"
        " AND `ordered_at` < toDateTime('2026-12-01 00:00:00') AND `currency` IN ('EUR')\n"
        "GROUP BY toStartOfMonth(toDateTime(`ordered_at`)) ORDER BY `SUM(net_minor)` DESC\n LIMIT 10000",
        "SELECT `churn_status` AS `churn_status`, count(*) AS `count`\n"
        "FROM (SELECT * FROM v_customer_360 WHERE is_anonymous = 0\n) AS `virtual_table`"
        " GROUP BY `churn_status` ORDER BY `count` DESC\n LIMIT 100",
        "SELECT *\nFROM bi.v_orders\nLIMIT 1001",
        # Names of functions, to complete what is typed in SQL Lab.
        "SELECT name FROM system.functions UNION ALL SELECT name FROM system.table_functions LIMIT 10000",
    ),
)

DBEAVER: Final = Tool(
    "DBeaver",
    (
        "SELECT name FROM system.table_engines",
        "SELECT VERSION()",
        "SHOW DATABASES",
        "SELECT name as TABLE_NAME, engine as TABLE_TYPE, database as TABLE_SCHEM,comment as REMARKS, * "
        "FROM system.tables\nWHERE database = 'bi'",
        "SHOW CREATE TABLE bi.v_orders",
        "SELECT x.* FROM bi.v_orders x\nLIMIT 0, 200",
    ),
)

GRAFANA: Final = Tool(
    "Grafana",
    (
        "SELECT displayName(), version(), revision(), timezone()",
        "SHOW DATABASES",
        'SHOW TABLES FROM "bi"',
        'DESC TABLE "bi"."v_orders"',
        "SELECT name, type, table FROM system.columns WHERE database IN ('bi')",
        # $__timeInterval and $__timeFilter; a variable.
        "SELECT toStartOfInterval(toDateTime(ordered_at), INTERVAL 86400 second) AS time, count() AS orders,"
        " groupArray(currency) AS currencies FROM v_orders WHERE ordered_at >= toDateTime(1764547200)"
        " AND ordered_at <= toDateTime(1796083200) GROUP BY time ORDER BY time",
        "select distinct currency from bi.v_orders limit 1000",
        "SELECT name, is_aggregate FROM system.functions LIMIT 10000",
    ),
    (
        # Its ad hoc filters.
        "SELECT count() FROM v_orders settings additional_table_filters={'v_orders': ' currency = ''EUR'' '}",
    ),
)
