"""Places between the steps of a flush at which the process can be made to end, for the fault suite.

`ENGAGE_FAILPOINT=state_written` ends the process, at once and without a trace, the first time a flush
reaches that place; `ENGAGE_FAILPOINT=state_written:3` the third time. Unset, `reach` costs one comparison.
"""

from __future__ import annotations

import os
from typing import Final

#: In the order of the steps; each names what has just been done.
FAILPOINTS: Final = (
    "taken",
    "decoded",
    "handed_over",
    "folded",
    "facts_inserted",
    "changelog_sent",
    "state_written",
    "rows_inserted",
    "restated",
    "acked",
)

#: What a process killed by SIGKILL leaves behind.
_STATUS: Final = 137

_name, _, _count = os.environ.get("ENGAGE_FAILPOINT", "").partition(":")
_remaining = int(_count or 1)


def reach(place: str) -> None:
    """End the process here if the environment says so."""
    global _remaining
    if place != _name:
        return
    _remaining -= 1
    if _remaining <= 0:
        os._exit(_STATUS)
