"""Places between the steps of a flush at which the process can be made to end or stop, for fault tests.

`ENGAGE_FAILPOINT=state_written` ends the process, at once and without a trace, the first time a flush
reaches that place; `ENGAGE_FAILPOINT=state_written:3` the third time. `ENGAGE_FAILPOINT=state_written:3:stop`
stops it there (SIGSTOP) until somebody continues it. Unset, `reach` costs one comparison.
"""

from __future__ import annotations

import os
import signal
from typing import Final

#: In the order of the steps; each names what has just been done.
FAILPOINTS: Final = (
    "taken",
    "decoded",
    "folded",
    "handed_over",
    "facts_inserted",
    "identified",
    "changelog_sent",
    "state_written",
    "restated",
    "status_told",
    "rows_inserted",
    "acked",
)

#: What a process killed by SIGKILL leaves behind.
_STATUS: Final = 137

_name, _count, _action = (os.environ.get("ENGAGE_FAILPOINT", "") + "::").split(":")[:3]
_remaining = int(_count or 1)


def reach(place: str) -> None:
    """End or stop the process here if the environment says so."""
    global _remaining
    if place != _name:
        return
    _remaining -= 1
    if _remaining == 0 and _action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif _remaining <= 0 and not _action:
        os._exit(_STATUS)
