"""Kafka in record batches, under Faust.

Faust's own path costs about 100 µs per message. Here one Faust message is everything that one poll
returned for one partition, so that cost is paid per batch. Group membership, assignment, flow control
and the agent stay Faust's. What Faust 0.15 gets wrong for us is overridden below, each with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.errors import LineageError
from streams.turns import Turns

#: Polls that fill a flush.
_POLLS_PER_TURN: Final = 4


class RecordBatch(NamedTuple):
    """What one poll returned for one partition.

    `start` is the fetcher's position before the poll and `end` the one after it. Records may begin
    after `start` and stop before `end`: the fetcher steps over control records of transactions and over
    offsets that retention or compaction removed. `seek_count` names the seek that `start` descends from.
    """

    tp: TP
    start: int
    end: int
    records: list[ConsumerRecord]
    seek_count: int


#: Told, after each seek, the positions that reading starts from and the number of the seek.
SeekListener = Callable[[Mapping[TP, int], int], object]


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Runs the aiokafka consumer in its own thread and loop, so that heartbeats survive a busy main loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._positions: dict[TP, int] = {}
        self._seek_count = 0
        self._turns = Turns(_POLLS_PER_TURN * self.app.conf.broker_max_poll_records)

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        """As Faust does, but with range assignment, so that one worker owns partition p of *all* topics
        (they share customers), `read_committed`, and without its hard-coded 1.5 s fetch wait."""
        conf = self.app.conf
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=transport.instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=100,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            check_crcs=conf.broker_check_crcs,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to its committed offset, or to its beginning if it has none.

        aiokafka leaves partitions without a commit where they are, which may be past records that a
        cleared queue has swallowed.

        Raises:
            LineageError: a committed offset lies beyond the end of its partition.
        """
        positions: dict[TP, int] = await self.call_thread(self._seek_to_committed)
        return positions

    async def _seek_to_committed(self) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        assigned = list(consumer.assignment())
        begin, end = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
        positions: dict[TP, int] = {}
        for tp in assigned:
            committed = await consumer.committed(tp)
            if committed is not None and committed > end[tp]:
                raise LineageError(
                    f"{tp.topic}/{tp.partition} ends at {end[tp]}, but {committed} was committed: the topic "
                    "was recreated or cut. Run `engage rebuild`, or use another ENGAGE_GROUP_ID and data"
                    " directory."
                )
            positions[TP(tp.topic, tp.partition)] = max(committed or 0, begin[tp])
            consumer.seek(tp, positions[TP(tp.topic, tp.partition)])
        self._positions = dict(positions)
        self._seek_count += 1
        self._turns.forget()
        cast(Consumer, self.consumer).on_seek(positions, self._seek_count)
        return positions

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TP, Any]:
        here = _Fetched(self, consumer)
        fetched: Mapping[Any, list[ConsumerRecord]] = {}
        if max_records and not here.has_failed:
            fetched = await self._turns.read(active_partitions, max_records, here, time.monotonic())
        if not fetched:
            fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        assignment = consumer._subscription.subscription.assignment
        batches: dict[TP, list[RecordBatch]] = {}
        for tp, start in list(self._positions.items()):
            if not consumer._subscription.is_assigned(tp):
                continue
            state = assignment.state_value(tp)
            if not state.has_valid_position:
                continue
            records = fetched.get(TopicPartition(*tp), [])
            if records or state.position > start:
                self._positions[tp] = state.position
                batches[tp] = [RecordBatch(tp, start, state.position, records, self._seek_count)]
        return batches

    async def _take(self, consumer: Any, tp: TP, max_records: int) -> list[ConsumerRecord]:
        found = await super()._fetch_records(consumer, {tp}, 0, max_records)
        return list(found.get(TopicPartition(*tp), ()))


class _Fetched:
    """What an aiokafka consumer has fetched; see `turns.Fetched`."""

    def __init__(self, thread: ConsumerThread, consumer: Any) -> None:
        self._thread = thread
        self._consumer = consumer
        self._waiting = consumer._fetcher._records

    @property
    def has_failed(self) -> bool:
        """Whether there is an error, which `_fetch_records` raises."""
        return any(not isinstance(result, FetchResult) for result in self._waiting.values())

    async def take(self, tp: TP, max_records: int) -> list[ConsumerRecord]:
        return await self._thread._take(self._consumer, tp, max_records) if tp in self._waiting else []

    def is_at_end(self, tp: TP) -> bool:
        if not self._consumer._subscription.is_assigned(tp):
            # Taken away meanwhile: there is no more of it for us.
            return True
        state = self._consumer._subscription.subscription.assignment.state_value(tp)
        return state.lso is not None and state.has_valid_position and state.position >= state.lso


class Consumer(driver.Consumer):
    """Faust's consumer with batches for messages and the pipeline's word for what may be committed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._durable: dict[TP, int] = {}
        self._seek_listener: SeekListener = _ignore_seek

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def listen_to_seeks(self, listener: SeekListener) -> None:
        """Have every seek told to the pipeline, in the consumer's thread."""
        self._seek_listener = listener

    def on_seek(self, positions: Mapping[TP, int], seek_count: int) -> None:
        self._seek_listener(positions, seek_count)

    def _to_message(self, tp: TP, record: RecordBatch) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic, tp.partition, record.start, 0.0, 1, [], None, cast(Any, record), None, tp=tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def known_ends(self) -> dict[TP, int]:
        """How far what may be read of each partition goes, as far as the broker has said.

        A partition of which nothing waits here is asked for all the time.
        """
        subscription = self._thread._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return {}
        assignment = subscription.assignment
        ends = ((tp, assignment.state_value(tp).lso) for tp in assignment.tps)
        return {TP(tp.topic, tp.partition): end for tp, end in ends if end is not None}

    def mark_durable(self, positions: Mapping[TP, int]) -> None:
        """Everything before these positions is durable: state, changelog and rows. It may be committed."""
        self._durable.update(positions)

    def ack(self, message: Any) -> bool:
        """Faust acks in a `finally`, also after an exception; only `mark_durable` counts here."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit what is durable. Faust's own bookkeeping steps over gaps of one offset."""
        assigned = self.assignment()
        offsets = {
            tp: offset
            for tp, offset in self._durable.items()
            if tp in assigned and offset > (self._committed_offset[tp] or -1)
        }
        if not offsets or not await self._commit(offsets):
            return False
        self._committed_offset.update(offsets)
        return True

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self._durable.pop(tp, None)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets of batches are far apart by nature; Faust would keep an interval for each for ever."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock warnings count messages; `lag` is what tells about a stalled pipeline."""


def _ignore_seek(positions: Mapping[TP, int], seek_count: int) -> None:
    return


class Transport(driver.Transport):
    """Faust's aiokafka transport with `Consumer` above.

    `instance_id` makes the worker a static member of its group: it does not leave it when it ends, and is
    given its partitions back at once when it comes again within the session timeout.
    """

    Consumer = Consumer
    instance_id: str | None = None
