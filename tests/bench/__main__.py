"""`python -m tests.bench`: how fast it is, beside what, and why."""

import logging

import typer

from tests.bench import (
    collector,
    compare,
    flush,
    growth,
    lag,
    latency,
    plots,
    queries,
    recovery,
    sweep,
    views,
)

# Topics that were made a moment ago have no leader yet; clients warn of it, and try again.
logging.basicConfig(level=logging.ERROR)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
for part in (collector, compare, flush, growth, lag, latency, plots, queries, recovery, sweep, views):
    app.command(part.__name__.rpartition(".")[2])(part.main)


@app.callback()
def bench() -> None:
    """Each command starts servers of its own."""


if __name__ == "__main__":
    app()
