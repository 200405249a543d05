"""`python -m tests.fuzz.guided TARGET [options of libFuzzer] [corpus…]`: one run of atheris.

The modules under test are instrumented as they are imported, so nothing imports them before.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]


def main() -> None:
    target = sys.argv.pop(1)
    with atheris.instrument_imports(include=["schemas", "streams.embedded.clickhouse"]):
        from tests.fuzz.targets import TARGETS
    atheris.Setup(sys.argv, TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
