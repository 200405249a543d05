"""The README says what is true: every setting, and every command."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.cli import COMMANDS
from streams.config import Settings, load_settings
from streams.errors import ConfigError

README = (Path(__file__).parents[2] / "README.md").read_text()


def documented_settings() -> dict[str, tuple[str, str]]:
    rows = re.findall(r"^\| `ENGAGE_(\w+)` \| (.+?) \| (.+) \|$", README, flags=re.MULTILINE)
    return {name.lower(): (default, meaning) for name, default, meaning in rows}


def actual_settings() -> dict[str, tuple[str, str]]:
    found = {}
    for name, field in Settings.model_fields.items():
        default = field.default
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        if isinstance(default, Enum):
            default = default.value
        found[name] = (f"`{default}`" if default not in ("", None) else "(empty)", str(field.description))
    return found


def test_every_setting_is_documented_with_its_default() -> None:
    assert documented_settings() == actual_settings()


def test_every_command_is_in_the_readme() -> None:
    missing = [command for command in COMMANDS if f"`engage {command}" not in README and command != "demo"]
    assert missing == []
    assert "make demo" in README


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ENGAGE_KAFKA_BOOTSTRAP", "localhost", "host:port"),
        ("ENGAGE_CLICKHOUSE_URL", "127.0.0.1:8123", "http(s)://host:port/database"),
        ("ENGAGE_PARTITIONS", "many", "integer"),
        ("ENGAGE_PARTITIONS", "0", "greater than or equal to 1"),
        ("ENGAGE_CLOCK", "sundial", "'wall' or 'event'"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value).startswith(f"{variable}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
