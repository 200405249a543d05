"""`python -m tests.faults.mutated_worker NAME`: the worker command with a mutation of `mutations` applied."""

from __future__ import annotations

import sys

from streams.cli import main
from tests.faults.mutations import MUTATIONS

if __name__ == "__main__":
    MUTATIONS[sys.argv[1]].patch()
    sys.argv = ["engage", "worker"]
    main()
