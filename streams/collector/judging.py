"""Event → record for Kafka, judged by the worker's own `decode`: what is accepted here is accepted there.

An event that `decode` refuses is *set aside*: it is produced as well, and the worker, for whom it is one bad
record among others, puts it to `events.rejected` and `rejected_events` with its reason and true coordinates,
where `engage rejected` lists, exports and replays it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from schemas.decode import decode
from schemas.rejections import Rejection
from schemas.topics import CHANNEL_OF_TOPIC
from streams.collector.answers import malformed
from streams.collector.channels import topic_of

_PROPERTY: Final = "properties."
_encode: Final = msgspec.json.Encoder().encode


class Outgoing(NamedTuple):
    """A record to produce. `spread_by` chooses the partition: the key, or anything if there is none."""

    topic: str
    key: bytes | None
    value: bytes
    spread_by: str


class Judged(NamedTuple):
    """A record, and what is wrong with it: None for an event that the worker will accept."""

    record: Outgoing
    rejection: Rejection | None
    is_bot: bool = False

    @property
    def is_malformed(self) -> bool:
        """Not even an event with an id, a type, a time and a customer. Wrong properties are not that."""
        return self.rejection is not None and not self.rejection.detail.startswith(_PROPERTY)


def judge(event: dict[str, Any], received_at_ms: int) -> Judged:
    """The record of an event."""
    topic = topic_of(event.get("type"))
    value = _encode(event)
    decoded = decode(value, channel=CHANNEL_OF_TOPIC[topic], appended_at_ms=received_at_ms)
    if isinstance(decoded, Rejection):
        return Judged(Outgoing(topic, None, value, str(event.get("event_id"))), decoded)
    return Judged(Outgoing(topic, decoded.key.encode(), value, decoded.key), None, _is_bot(event))


def _is_bot(event: dict[str, Any]) -> bool:
    context = (event.get("properties") or {}).get("context")
    return type(context) is dict and context.get("is_bot") is True


def set_aside(raw: bytes, rejection: Rejection) -> Judged:
    """The record of bytes that are no message at all."""
    return Judged(Outgoing(topic_of(None), None, raw, ""), rejection)


def refuse_if_all_malformed(judged: Sequence[Judged], names: Mapping[str, str], *, is_batch: bool) -> None:
    """Beside good messages a malformed one is set aside; alone it is told to the sender, who can mend it.

    Args:
        names: what the sender calls our fields.

    Raises:
        Refused: 400, and what is wrong with the first; none has a type, a time and a customer.
    """
    if not all(one.is_malformed for one in judged):
        return
    rejection = judged[0].rejection
    if rejection is not None:
        where = "message 0: " if is_batch else ""
        raise malformed(rejection.reason.value, where + _in_words_of(names, rejection.detail))


def _in_words_of(names: Mapping[str, str], detail: str) -> str:
    fields, colon, rest = detail.partition(":")
    return ", ".join(names.get(name, name) for name in fields.split(", ")) + colon + rest if colon else detail
