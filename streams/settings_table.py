"""The table `settings`: what the database knows of itself, as text by key."""

from __future__ import annotations

from clickhouse_connect.driver.client import Client

from schemas.rows import SettingRow, column_types, columns


def read_setting(client: Client, key: str) -> str | None:
    """The value noted last, None without one."""
    rows = client.query(
        "SELECT value FROM settings FINAL WHERE key = {key:String}", parameters={"key": key}
    ).result_rows
    return str(rows[0][0]) if rows else None


def write_setting(client: Client, key: str, value: str) -> None:
    """Note a value; it takes the place of the one before."""
    client.insert(
        SettingRow.TABLE,
        [[key, value]],
        column_names=columns(SettingRow),
        column_type_names=column_types(SettingRow),
        settings={"async_insert": 0},
    )
