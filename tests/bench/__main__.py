"""`python -m tests.bench`: how fast it is, beside what, and why."""

import logging

import typer

from tests.bench import compare, flush

# Topics that were made a moment ago have no leader yet; clients warn of it, and try again.
logging.basicConfig(level=logging.ERROR)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.command("compare")(compare.main)
app.command("flush")(flush.main)


@app.callback()
def bench() -> None:
    """Each command starts servers of its own."""


if __name__ == "__main__":
    app()
