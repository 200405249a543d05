"""One customer: everything that the views say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from streams.dashboard.parameters import CHANNELS, chosen, text
from streams.dashboard.refusals import Refused
from streams.dashboard.subject import Answer, Look, Row, Views
from streams.dashboard.timeline import NO_END, events_page

#: Whatever happens to a customer changes this: the row itself or, told a moment later, the status changes.
STATE: Final = """
SELECT
    *,
    (SELECT as_of FROM v_clock) AS as_of,
    (SELECT sum(cityHash64(*)) FROM v_transitions WHERE customer_id = {id:String}) AS history
FROM v_customer_360
WHERE customer_id = {id:String}
"""
PARTS: Final = {
    "windows": """
SELECT * FROM v_customer_windows
WHERE customer_id = {id:String}
ORDER BY channel, indexOf(['1h', '24h', '7d', '30d', '90d'], window_name)
""",
    "score_ledger": """
SELECT * FROM v_score_ledger
WHERE customer_id = {id:String}
    AND day > toDate((SELECT as_of FROM v_clock)) - 30
    AND day <= toDate((SELECT as_of FROM v_clock))
ORDER BY day DESC, points DESC, channel, type
""",
    "lead_ledger": """
SELECT * FROM v_lead_ledger WHERE customer_id = {id:String} ORDER BY occurred_at DESC, rule LIMIT 500
""",
    "transitions": """
SELECT * FROM v_transitions
WHERE customer_id = {id:String}
ORDER BY changed_at DESC, from_status, to_status
LIMIT 500
""",
    "orders": """
SELECT * FROM v_orders WHERE customer_id = {id:String} ORDER BY ordered_at DESC, order_id LIMIT 50
""",
}

#: However quiet the customer is, all is looked at again after so long.
_WHOLE_SECONDS: Final = 30.0


class Seen(NamedTuple):
    """What the last whole look began with, and when (monotonic)."""

    state: Row
    history: int
    at_seconds: float

    def is_current(self, state: Row, history: int, now: float) -> bool:
        is_young = now - self.at_seconds < _WHOLE_SECONDS
        return is_young and (state, history) == (self.state, self.history)


@dataclass(frozen=True)
class Customer:
    """`channel` chooses among the events; a score is explained by all channels."""

    customer_id: str
    channel: str

    every_seconds: ClassVar[float] = 1.0

    @classmethod
    def asked(cls, customer_id: str, query: Mapping[str, str]) -> Customer:
        return cls(text(customer_id, "customer id"), chosen(query, "channel", CHANNELS, ""))

    async def look(self, views: Views, last: Look | None) -> Look:
        """All of it if anything has changed, or half a minute after all was looked at."""
        found = await views.live.rows(STATE, id=self.customer_id)
        if not found:
            raise Refused(404, "there is no customer with this id; anonymous visitors are anon:ID")
        (state,) = found
        as_of, history = state.pop("as_of"), state.pop("history")
        now = time.monotonic()
        if last and last.notes.is_current(state, history, now):
            return Look({**last.answer, "as_of": as_of}, last.notes)
        answer = {"as_of": as_of, "customer": state, **await self._parts(views)}
        return Look(answer, Seen(state, history, now))

    async def _parts(self, views: Views) -> Answer:
        page, rows = await asyncio.gather(
            events_page(views, self.customer_id, NO_END, self.channel),
            asyncio.gather(*(views.live.rows(sql, id=self.customer_id) for sql in PARTS.values())),
        )
        return {**dict(zip(PARTS, rows, strict=True)), **page}
