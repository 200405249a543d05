"""What the sink leaves behind of what it has inserted."""

from __future__ import annotations

import gc
from typing import Any
from weakref import ref

import pytest

from schemas.rows import CustomerStateRow
from streams.config import load_settings
from streams.core.fold import Customer
from streams.core.project import state_columns
from streams.core.state import CustomerState
from streams.migrations import migrate
from streams.sinks.clickhouse import ClickHouseSink

CUSTOMER = Customer(0, "c-1", CustomerState(n_applied=1))


class Column(list[Any]):
    """A list that can be watched."""


@pytest.mark.slow
def test_columns_are_let_go_as_soon_as_they_are_inserted(clickhouse_front: str) -> None:
    settings = load_settings(clickhouse_url=f"{clickhouse_front}/clickhouse_sink")
    migrate(settings)
    columns = [Column(cells) for cells in state_columns([CUSTOMER], epoch=0)]
    watched = ref(columns[0])
    gc.disable()
    try:
        ClickHouseSink(settings).insert(CustomerStateRow, columns)
        del columns
        assert watched() is None
    finally:
        gc.enable()
