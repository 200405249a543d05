"""The demonstration's `engage up`, as far as it ends before it serves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.cli import demo_stack
from streams.cli.demo_stack import running_stack
from streams.errors import MachineError
from tests.cli.commands import Engage

READY = {
    "kafka": "127.0.0.1:1",
    "clickhouse": "http://127.0.0.1:2/engagement",
    "dashboard": "http://127.0.0.1:3/",
}
Pretend = Callable[[str], None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """`pretend(program)` runs Python instead of `engage up`; there `ready()` says that it serves."""

    def replace(program: str) -> None:
        def command(data_dir: Path, ready_file: Path, with_dashboard: bool) -> list[str]:
            half = str(ready_file) + ".tmp"
            ready = (
                f"open({half!r}, 'w').write({json.dumps(READY)!r}); os.rename({half!r}, {str(ready_file)!r})"
            )
            return [sys.executable, "-c", f"import os, sys\ndef ready(): {ready}\n{program}"]

        monkeypatch.setattr(demo_stack, "_command", command)

    return replace


def test_while_it_runs_its_addresses_are_the_settings(pretend: Pretend, tmp_path: Path) -> None:
    pretend("ready(); sys.stdin.read(); import signal; signal.pause()")

    with running_stack(tmp_path, with_dashboard=True) as stack:
        stack.check()
        assert stack.settings.kafka_bootstrap == "127.0.0.1:1"
        assert stack.dashboard == "http://127.0.0.1:3/"
        assert stack.settings.clickhouse_url == "http://127.0.0.1:2/engagement"


def test_when_it_ends_in_the_middle_its_last_line_is_told(pretend: Pretend, tmp_path: Path) -> None:
    pretend("ready(); print('engage: out of luck', flush=True)")

    with (
        running_stack(tmp_path, with_dashboard=True) as stack,
        pytest.raises(MachineError, match=r"^out of luck$"),
    ):
        for _ in iter(stack.check, "until it raises"):
            pass


def test_when_it_says_nothing_its_log_is_named(pretend: Pretend, tmp_path: Path) -> None:
    pretend("")

    with (
        pytest.raises(MachineError, match=r"`engage up` ended: see .*up\.log$"),
        running_stack(tmp_path, with_dashboard=True),
    ):
        pass


def test_what_keeps_the_servers_from_starting_is_one_line(
    engage: Engage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))

    ended = engage("demo", "--once", "--data-dir", str(tmp_path / "data with a space"))

    assert ended.status == 1
    assert ended.err.startswith(f"engage: KAFKA_HOME is {tmp_path}, but ")
    assert ended.err.count("\n") == 1
