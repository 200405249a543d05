"""One restate at a time: who is at work keeps a note in `settings` fresh; a note that is not is nobody's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from clickhouse_connect.driver.client import Client

from streams.clickhouse import connect
from streams.config import Settings
from streams.errors import RulesError
from streams.settings_table import read_setting, write_setting

_KEY: Final = "restate"
_BEAT_SECONDS: Final = 2.0
_STALE_SECONDS: Final = 30
#: Seconds by the server's clock, so that clocks of machines do not matter.
_AGE: Final = """
SELECT dateDiff('second', updated_at, now64(3)) FROM settings FINAL WHERE key = {key:String} AND value != ''
"""


class Claim:
    """This process's right to restate."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._id = uuid.uuid4().hex

    def take(self) -> None:
        write_setting(self._client, _KEY, self._id)
        self.check()

    def check(self) -> None:
        """Raises RulesError if another process has begun at the same moment: the last one goes on."""
        if read_setting(self._client, _KEY) != self._id:
            raise RulesError("another `engage restate` has begun; this one ends.")

    def keep(self, settings: Settings, ended: threading.Event) -> None:
        """Keep the note fresh until told to end; runs in a thread, with a client of its own."""
        with closing(connect(settings)) as client:
            while not ended.wait(_BEAT_SECONDS) and read_setting(client, _KEY) == self._id:
                write_setting(client, _KEY, self._id)

    def release(self) -> None:
        if read_setting(self._client, _KEY) == self._id:
            write_setting(self._client, _KEY, "")


def refuse_while_restating(client: Client) -> None:
    """Raises RulesError while `engage restate` is at work."""
    ages = client.query(_AGE, parameters={"key": _KEY}).result_rows
    if ages and ages[0][0] < _STALE_SECONDS:
        raise RulesError(
            f"`engage restate` is at work (seen {ages[0][0]} s ago). Wait until it ends; had it been killed, "
            f"{_STALE_SECONDS} s."
        )


@contextmanager
def claimed(settings: Settings, client: Client) -> Iterator[Claim]:
    """Hold the claim for the time of the block.

    Raises:
        RulesError: another process holds it.
    """
    refuse_while_restating(client)
    claim, ended = Claim(client), threading.Event()
    claim.take()
    keeper = threading.Thread(target=claim.keep, args=(settings, ended), name="restate-claim", daemon=True)
    keeper.start()
    try:
        yield claim
    finally:
        ended.set()
        keeper.join()
        claim.release()
