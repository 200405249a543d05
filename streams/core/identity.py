"""Identity: which customer an anonymous visitor is, and since when.

Metrics, Terms (customer). A claim is an event by which a customer says that an anonymous id is theirs. The
first claim, by (occurred_at, event_id), gets the anonymous id's whole past; a later claim by another customer
begins a new link at its moment. Claims name an anonymous id and a customer, never two customers, so links
are one step long: there are no chains and no loops.

Links are a pure function of the set of claims, so it does not matter in which order claims arrive, nor how
often.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

#: An instant as events are ordered: (occurred_at in milliseconds, event id).
Moment = tuple[int, str]

BEGINNING: Final[Moment] = (0, "")
#: 2299-12-31, the last day that ClickHouse's DateTime64 knows.
END: Final[Moment] = (10_413_705_600_000, "")


class Claim(NamedTuple):
    """`customer_id` claims `anonymous_id` (as stored, `anon:…`) by an event."""

    anonymous_id: str
    customer_id: str
    claimed_at_ms: int
    event_id: str

    @property
    def moment(self) -> Moment:
        return self.claimed_at_ms, self.event_id


class Link(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Events of `anonymous_id` in `[start, end)` are the customer's. `claimed` is the claim's moment."""

    anonymous_id: str
    customer_id: str
    claimed: Moment
    start: Moment
    end: Moment

    def covers(self, moment: Moment) -> bool:
        """Whether an event at this moment falls under the link."""
        return self.start <= moment < self.end


def links_of(claims: Iterable[Claim]) -> list[Link]:
    """The links of one anonymous id, without gaps, from all its claims."""
    taken: list[Claim] = []
    for claim in sorted(set(claims), key=attrgetter("moment", "customer_id")):
        if not taken or taken[-1].customer_id != claim.customer_id:
            taken.append(claim)
    if not taken:
        return []
    bounds = [BEGINNING, *(claim.moment for claim in taken[1:]), END]
    return [
        Link(claim.anonymous_id, claim.customer_id, claim.moment, start, end)
        for claim, (start, end) in zip(taken, pairwise(bounds), strict=True)
    ]


def owner_at(links: Iterable[Link], moment: Moment) -> str:
    """The customer whom an event of the linked anonymous id at this moment belongs to."""
    return next(link.customer_id for link in links if link.covers(moment))


def is_linked(links: Iterable[Link], anonymous_id: str, moment: Moment) -> bool:
    """Whether these links of a customer cover an event of the anonymous id."""
    return any(link.anonymous_id == anonymous_id and link.covers(moment) for link in links)
