"""`python -m streams.cli`, for where the `engage` script is not on PATH."""

from streams.cli import main

main()
