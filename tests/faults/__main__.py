"""`python -m tests.faults`, see `runner`. (A module that child processes can import must have a name.)"""

import sys

from tests.faults.runner import main

if __name__ == "__main__":
    sys.exit(main())
