"""`engage export`: what a file says is what SQL says, for every view; a file that is there is complete."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from streams.cli.export_progress import Written, shown
from streams.clickhouse import connect
from streams.config import Clock, Settings
from streams.embedded.clickhouse import command, wait_until_ready
from streams.errors import ClickHouseUnavailable
from streams.migrations import migrate
from streams.ops.export.body import body
from streams.ops.export.formats import ExportFormat
from streams.ops.export.selection import select
from tests.cli.commands import Engage
from tests.conftest import free_port
from tests.deploy.a_database import fill
from tests.sql.test_view_contract import VIEWS as VIEWS_OF_THE_CONTRACT

VIEWS = {
    view.partition("(")[0]: ["--where", "cutoff=2026-03-01"] if "(" in view else []
    for view in VIEWS_OF_THE_CONTRACT
}
ODD_TEXT = 'a "quoted", line\nand \\N\t😀'
SQL_OF_ODD_TEXT = """'a "quoted", line\\nand \\\\N\\t😀'"""
#: 100 bytes each; the connection holds some MiB of them.
MANY = "SELECT number, repeat('x', 90) AS text FROM numbers({n})"


@pytest.fixture(scope="module")
def filled(clickhouse_front: str) -> Settings:
    settings = Settings(clickhouse_url=f"{clickhouse_front}/exporting", clock=Clock.EVENT)
    migrate(settings)
    client = connect(settings)
    fill(client)
    client.command(f"CREATE VIEW v_many AS {MANY.format(n=1_000_000)}")
    client.command(
        f"CREATE VIEW v_one AS SELECT 1 AS one, NULL AS nothing, '' AS empty, {SQL_OF_ODD_TEXT} AS odd"
    )
    client.command(
        "CREATE VIEW v_failing AS SELECT *, throwIf(number = 900000, 'too\nmany') AS fails FROM v_many"
    )
    client.close()
    return settings


@pytest.fixture(autouse=True)
def here(filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to be in, and the database where the command looks for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", filled.clickhouse_url)
    return tmp_path


def rows_by_sql(settings: Settings, view: str) -> list[tuple[Any, ...]]:
    client = connect(settings)
    source = f"{view}(cutoff = '2026-03-01')" if VIEWS[view] else view
    rows = client.query(f"SELECT * FROM {source}").result_rows
    client.close()
    return in_order(rows)


def in_order(rows: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(map(plain, row)) for row in rows), key=str)


def plain(value: Any) -> Any:
    """Both clients' instants without a zone: all are UTC."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def as_csv_shows_it(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return "" if value is None else str(value)


def read_table(file: Path) -> list[tuple[Any, ...]]:
    table: pa.Table = parquet.read_table(file) if file.suffix == ".parquet" else feather.read_table(file)
    return in_order(zip(*(column.to_pylist() for column in table.columns), strict=True))


# -- what is in the file -----------------------------------------------------------------------------


#: The newest rows of these change with the wall clock.
BY_THE_CLOCK = {"v_freshness"}


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in BY_THE_CLOCK])
@pytest.mark.parametrize("export_format", ["parquet", "arrow"])
def test_a_typed_file_is_the_view(
    engage: Engage, filled: Settings, here: Path, view: str, export_format: str
) -> None:
    ended = engage("export", view, "--format", export_format, *VIEWS[view])

    assert (ended.status, ended.out, ended.err) == (0, "", "")
    assert read_table(here / f"{view}.{export_format}") == rows_by_sql(filled, view)
    assert [path.name for path in here.iterdir()] == [f"{view}.{export_format}"]


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in BY_THE_CLOCK])
def test_a_csv_file_is_the_view_with_a_line_of_names(
    engage: Engage, filled: Settings, here: Path, view: str
) -> None:
    engage("export", view, *VIEWS[view])

    with (here / f"{view}.csv").open(newline="") as file:
        names, *rows = csv.reader(file)
    assert ", ".join(names) == {v.partition("(")[0]: c for v, c in VIEWS_OF_THE_CONTRACT.items()}[view]
    assert [comparable(row) for row in sorted(rows)] == [
        comparable(row)
        for row in sorted([as_csv_shows_it(v) for v in row] for row in rows_by_sql(filled, view))
    ]


def comparable(row: list[str]) -> list[str | float]:
    """Numbers as numbers: two programs may write 2.0 and 2."""
    return [float(text) if is_number(text) else text for text in row]


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_freshness_has_a_row_per_table(engage: Engage, filled: Settings, here: Path) -> None:
    engage("export", "v_freshness", "--format", "parquet")

    tables = [row[0] for row in read_table(here / "v_freshness.parquet")]
    assert tables == [row[0] for row in rows_by_sql(filled, "v_freshness")]


def test_standard_output_has_the_same_bytes_as_a_file(engage: Engage, here: Path) -> None:
    engage("export", "v_orders", "--output", "orders.csv")

    ended = engage("export", "v_orders", "--output", "-")

    assert sorted(ended.out.splitlines()) == sorted((here / "orders.csv").read_text().splitlines())
    assert [path.name for path in here.iterdir()] == ["orders.csv"]


def test_odd_texts_and_nothing_come_back_as_they_were(engage: Engage) -> None:
    ended = engage("export", "v_one", "--output", "-")

    assert list(csv.reader(io.StringIO(ended.out)))[1] == ["1", "", "", ODD_TEXT]
    assert ended.out.splitlines()[1].startswith('1,,"",')  # Nothing and an empty text differ.


def test_instants_and_days_keep_their_types(engage: Engage, here: Path) -> None:
    engage("export", "v_orders", "--format", "parquet")
    engage("export", "v_stickiness", "--format", "parquet")

    ordered_at = parquet.read_table(here / "v_orders.parquet").schema.field("ordered_at")
    assert ordered_at.type == pa.timestamp("ms", tz="UTC")
    assert isinstance(read_table(here / "v_stickiness.parquet")[0][0], date)


def test_the_reader_of_bi_tools_may_export(engage: Engage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_USER", "bi_reader")

    ended = engage("export", "v_lifecycle", "--output", "-")

    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith('"grain","period_start",')


# -- which rows --------------------------------------------------------------------------------------


def test_conditions_must_all_hold(engage: Engage) -> None:
    ended = engage(
        "export",
        "v_lifecycle",
        "--where",
        "grain=month",
        "--where",
        "period_start >= 2026-02-01",
        "--where",
        "is_complete!=0",
        "--output",
        "-",
    )

    assert [line.split(",")[:3] for line in ended.out.splitlines()[1:]] == [['"month"', '"2026-02-01"', "1"]]


def test_a_value_is_a_value_whatever_it_says(engage: Engage) -> None:
    ended = engage("export", "v_orders", "--where", "customer_id=' OR 1=1 --", "--output", "-")

    assert (ended.status, len(ended.out.splitlines())) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["v_custmer_360"], "no view 'v_custmer_360': did you mean v_customer_360?"),
        (["orders"], "no view 'orders': did you mean v_orders?"),
        (["events"], "no view 'events': did you mean v_events?"),
        (["v_orders; DROP TABLE events"], "did you mean v_orders?"),
        (["v_orders", "--where", "stats=paid"], "v_orders has no column 'stats': did you mean status?"),
        (["v_orders", "--where", "1=1) OR (1=1"], "v_orders has no column '1'"),
        (["v_orders", "--where", "status"], "'status' is no condition: write COLUMN=VALUE"),
        (["v_orders", "--where", "total_minor>much"], "Cannot convert string 'much'"),
        (["v_purchase_summary_at"], "v_purchase_summary_at needs a value: --where cutoff=…"),
        (["v_purchase_summary_at", "--where", "cutoff=soon"], "soon"),
        (["v_orders", "--output", "nowhere/orders.csv"], "cannot write nowhere/orders.csv: No such file"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_no_file(
    engage: Engage, here: Path, arguments: list[str], says: str
) -> None:
    ended = engage("export", *arguments)

    assert ended.status == 1
    assert ended.err.startswith("engage: ")
    assert says in ended.err
    assert ended.err.count("\n") == 1
    assert list(here.iterdir()) == []


def test_without_views_it_says_how_to_make_them(
    engage: Engage, monkeypatch: pytest.MonkeyPatch, filled: Settings
) -> None:
    monkeypatch.setenv("ENGAGE_CLICKHOUSE_URL", filled.clickhouse_url.replace("/exporting", "/default"))

    assert "run `engage migrate`" in engage("export", "v_orders").err


# -- a file that is there is complete ----------------------------------------------------------------


def test_what_fails_after_its_first_rows_leaves_the_file_of_before(engage: Engage, here: Path) -> None:
    (here / "v_failing.csv").write_text("of yesterday")

    ended = engage("export", "v_failing")

    assert ended.status == 1
    assert "ClickHouse failed after its first rows: too many" in ended.err
    assert "v_failing.csv was not written" in ended.err
    assert ended.err.count("\n") == 1
    assert (here / "v_failing.csv").read_text() == "of yesterday"
    assert [path.name for path in here.iterdir()] == ["v_failing.csv"]


def test_on_standard_output_rows_but_no_error_text_are_written(engage: Engage) -> None:
    ended = engage("export", "v_failing", "--output", "-")

    assert ended.status == 1
    assert "what has been written is not complete" in ended.err
    assert len(ended.out) > 1 << 20
    assert "Exception" not in ended.out


@pytest.mark.parametrize("export_format", ["parquet", "arrow"])
def test_a_typed_file_that_fails_leaves_none(engage: Engage, here: Path, export_format: str) -> None:
    ended = engage("export", "v_failing", "--format", export_format)

    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert "too many" in ended.err
    assert list(here.iterdir()) == []


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A ClickHouse that may be killed, and its URL."""
    port = free_port()
    process = subprocess.Popen(command(tmp_path_factory.mktemp("mortal"), port))
    try:
        wait_until_ready(port, timeout_seconds=60, alive=lambda: process.poll() is None)
        yield process, f"http://127.0.0.1:{port}/default"
    finally:
        process.kill()
        process.wait(timeout=30)


def test_a_server_that_dies_amid_the_rows_is_noticed(mortal: tuple[subprocess.Popen[bytes], str]) -> None:
    process, url = mortal
    client = connect(Settings(clickhouse_url=url))
    client.command(f"CREATE VIEW v_many AS {MANY.format(n=5_000_000)}")
    pieces = body(client, select(client, "v_many"), ExportFormat.CSV)
    assert next(pieces) == b'"number","text"\n'
    assert next(pieces).startswith(b"0,")
    process.kill()
    process.wait(timeout=30)

    with pytest.raises(ClickHouseUnavailable, match="broke off after its first rows"):
        sum(map(len, pieces))
    client.close()


# -- at any size -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_million_rows_take_no_more_memory_than_one(here: Path) -> None:
    one, many = peak_kib("v_one", here), peak_kib("v_many", here)

    assert (here / "v_many.csv").stat().st_size > 95 << 20
    assert many - one < 30 << 10
    with (here / "v_many.csv").open() as file:
        assert sum(1 for _ in file) == 1_000_001


def peak_kib(view: str, directory: Path) -> int:
    """The largest resident memory of `engage export`, as the kernel counts it."""
    process = subprocess.Popen([sys.executable, "-m", "streams.cli", "export", view], cwd=directory)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


# -- progress ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_rows_are_counted_wherever_pieces_end(size: int) -> None:
    text = b'id,"text"\n1,"a\nb"\n2,"say ""\n"" twice"\n3,""\n4,\n'
    written = Written(ExportFormat.CSV)
    for start in range(0, len(text), size):
        written.add(text[start : start + size])

    assert written.line(seconds=2.0) == "4 rows · 0.0 MiB · 2 rows/s"


def test_of_typed_files_bytes_are_counted() -> None:
    written = Written(ExportFormat.PARQUET)
    written.add(bytes(3 << 20))

    assert written.line(seconds=2.0) == "3.0 MiB · 1.5 MiB/s"


def test_elsewhere_than_on_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(Path("x.csv"), ExportFormat.CSV) as tell:
        tell(b"1\n")

    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_last_line_stays(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with shown(Path("[bold]x.csv"), ExportFormat.CSV) as tell:
        tell(b'"n"\n1\n2\n')

    assert "[bold]x.csv: 2 rows · 0.0 MiB · " in capsys.readouterr().err.splitlines()[-1]
