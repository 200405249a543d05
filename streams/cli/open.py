"""`engage open`: where the live page is."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Annotated
from urllib.parse import quote

import typer

from streams.errors import MachineError

_SECONDS = 5.0


def open(
    customer_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A customer; their page instead of the overview.")
    ] = None,
    host: Annotated[str, typer.Option(help="As given to `engage dashboard`.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="As given to `engage dashboard`.")] = 8088,
) -> None:
    """Print the address of the live page, for a browser."""
    start = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    try:
        with urllib.request.urlopen(f"{start}livez", timeout=_SECONDS):  # noqa: S310 (always http)
            pass
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        reason = getattr(reason, "strerror", None) or reason
        raise MachineError(f"no dashboard at {start} ({reason}); start `engage dashboard`") from error
    typer.echo(start + (f"customers/{quote(customer_id, safe='')}" if customer_id else ""))
