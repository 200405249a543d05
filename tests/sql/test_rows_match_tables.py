"""schemas/rows.py and the migrated tables say the same."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.client import Client

from schemas.rows import ROWS, Row, column_types, columns


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.TABLE)
def test_a_row_has_the_columns_of_its_table_that_have_no_default(client: Client, model: type[Row]) -> None:
    described = client.query(f"DESCRIBE TABLE {model.TABLE}").named_results()
    without_default = [(row["name"], row["type"]) for row in described if not row["default_type"]]
    assert list(zip(columns(model), column_types(model), strict=True)) == without_default


def test_every_table_has_a_comment(client: Client) -> None:
    silent = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        " AND comment = '' AND name != 'schema_migrations'"
    ).result_rows
    assert silent == []
