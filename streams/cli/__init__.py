"""The command `engage`: one file per command, imported when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from streams.errors import EngageError

# One line per command: the module below streams/cli, in which a function or a Typer app has the same name,
# with _ for -.
COMMANDS = (
    "demo",
    "up",
    "topics",
    "worker",
    "migrate",
    "send",
    "replay",
    "generate",
    "drain",
    "query",
    "customer",
    "windows",
    "export",
    "report",
    "goal",
    "rejected",
    "rebuild",
    "restate",
    "verify",
    "collect",
    "dashboard",
    "open",
    "lag",
    "lag-exporter",
)


class LazyCommands(TyperGroup):
    """Imports the module of the command that is called; all of them for `--help` and for a mistyped name.

    Kafka and ClickHouse clients take longer to import than most commands take to run.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _load(name)
        return self.commands.get(cmd_name)


def _load(name: str) -> Any:
    identifier = name.replace("-", "_")
    target = getattr(importlib.import_module(f"{__name__}.{identifier}"), identifier)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name)(target)
    return typer.main.get_command(single)


app = typer.Typer(cls=LazyCommands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def engage() -> None:
    """Customer engagement in real time, on Kafka, Faust and ClickHouse.

    Settings come from ENGAGE_… environment variables; the README lists them.
    """


def main() -> None:
    """Entry point: what a person can mend is one line on stderr and an exit code, never a traceback."""
    try:
        app()
    except EngageError as error:
        print(f"engage: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
