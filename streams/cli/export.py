"""`engage export`: a view as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.config import load_settings
from streams.ops.export.formats import ExportFormat


def export(
    view: Annotated[str, typer.Argument(help="A view, such as v_customer_360.")],
    export_format: Annotated[
        ExportFormat, typer.Option("--format", help="arrow is an Arrow file, also called Feather.")
    ] = ExportFormat.CSV,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The file to write; `-` is standard output.", show_default="VIEW.FORMAT"
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="COLUMN=VALUE, or != < <= > >=; several must all hold. Also gives a view its parameter.",
        ),
    ] = None,
) -> None:
    """Write a view to a file, however large it is. The file is there when it is complete.

    Example: engage export v_retention_period --where grain=month --where basis=purchase
    """
    from streams.cli.export_progress import shown
    from streams.ops.clickhouse_client import open_client
    from streams.ops.export.body import body
    from streams.ops.export.conditions import parse
    from streams.ops.export.destination import opened
    from streams.ops.export.selection import select

    file = output or Path(f"{view}.{export_format.value}")
    conditions = [parse(text) for text in where or ()]
    with open_client(load_settings(), patiently=True) as client:
        selection = select(client, view, conditions)
        with shown(file, export_format) as tell, opened(file) as target:
            for piece in body(client, selection, export_format):
                target.write(piece)
                tell(piece)
