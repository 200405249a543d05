"""`EngagementProducer` on a real Kafka, which is killed, held still and left out."""

from __future__ import annotations

import doctest
import gc
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import streams.producer
from schemas.events import EngagementEvent
from schemas.topics import CHAT, PURCHASE, WEBSITE, partition_of
from streams.embedded.ports import LOOPBACK, free_ports
from streams.errors import ConfigError, KafkaUnavailable, MissingTopic
from streams.producer import EngagementProducer, InvalidEvent, NotDelivered, ProducerBusy, new_event
from tests.producer.broker import PARTITIONS, Arrived, Broker

pytestmark = [
    pytest.mark.slow,
    # kafka-python leaves the sockets of refused connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

README = (Path(__file__).parents[2] / "README.md").read_text()
Read = Callable[[], list[Arrived]]
PAGE = {"url": "https://shop.example/"}


def page(customer: str, number: int = 0) -> EngagementEvent:
    return new_event(
        "page_viewed", customer_id=customer, event_id=f"{customer[:40]}-{number}", properties=PAGE
    )


def ids(records: list[Arrived]) -> list[str]:
    return sorted(record.body["event_id"] for record in records)


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for left in set(threading.enumerate()) - before:
        left.join(timeout=10)
        assert not left.is_alive()
    gc.collect()


# -- what arrives ------------------------------------------------------------------------------------


def test_an_event_arrives_as_given_and_the_future_says_where(broker: Broker, arrived: Read) -> None:
    event = page("c-1")

    with EngagementProducer(broker.bootstrap) as producer:
        delivered = producer.send(event).result(timeout=30)

    (record,) = arrived()
    assert (record.topic, record.partition, record.offset) == delivered
    assert record.topic == WEBSITE
    assert record.key == "c-1"
    assert record.body == {**event.model_dump(exclude_unset=True), "type": "page_viewed"}


ODD_IDS = [
    "🦊",
    "🦊" * 32,
    "x" * 128,
    "é" * 128,
    "a",
    "  ",
    "quo\"te's",
    "nul\x00l",
    "back\\slash",
    "名前",
    "-1",
]


def test_the_partition_is_the_contracts_for_odd_ids(broker: Broker, arrived: Read) -> None:
    with EngagementProducer(broker.bootstrap) as producer:
        for odd in ODD_IDS:
            producer.send(new_event("noted", customer_id=odd))
            producer.send(new_event("noted", anonymous_id=odd))

    records = arrived()
    assert Counter(record.key for record in records) == dict.fromkeys(ODD_IDS, 2)
    assert all(record.partition == partition_of(record.key, PARTITIONS) for record in records)


def test_each_type_goes_to_its_channel_and_to_another_on_demand(broker: Broker, arrived: Read) -> None:
    order = {"order_id": "o-1", "total_minor": 1, "currency": "EUR"}
    with EngagementProducer(broker.bootstrap) as producer:
        producer.send(new_event("order_completed", customer_id="c", properties=order))
        producer.send(new_event("conversation_started", customer_id="c", properties={"conversation_id": "v"}))
        producer.send(
            new_event("survey_answered", customer_id="c", properties={"survey": "csat", "score": 5})
        )
        producer.send(new_event("noted", customer_id="c"), channel="purchase")

    assert {record.body["type"]: record.topic for record in arrived()} == {
        "order_completed": PURCHASE,
        "conversation_started": CHAT,
        "survey_answered": WEBSITE,
        "noted": PURCHASE,
    }


def test_an_event_of_more_than_32_kib_is_refused_and_the_others_arrive(broker: Broker, arrived: Read) -> None:
    with EngagementProducer(broker.bootstrap) as producer:
        producer.send(page("c", 1))
        with pytest.raises(InvalidEvent, match=r"^\d+ bytes, at most 32768$"):
            producer.send(new_event("noted", customer_id="c", properties={"text": "x" * 32_768}))
        producer.send(page("c", 2))

    assert ids(arrived()) == ["c-1", "c-2"]


def test_threads_may_share_a_producer(broker: Broker, arrived: Read) -> None:
    with EngagementProducer(broker.bootstrap, max_pending=7) as producer:
        senders = [
            threading.Thread(target=lambda t=t: [producer.send(page(f"t{t}", n)) for n in range(200)])
            for t in range(4)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    assert ids(arrived()) == sorted(f"t{t}-{n}" for t in range(4) for n in range(200))


def test_leaving_the_block_flushes(broker: Broker, arrived: Read) -> None:
    with EngagementProducer(broker.bootstrap, linger_ms=500) as producer:
        for number in range(5):
            producer.send(page("c", number))

    assert len(arrived()) == 5


def test_the_example_in_the_documentation_works(broker: Broker) -> None:
    text = (streams.producer.__doc__ or "").replace("127.0.0.1:9092", broker.bootstrap)
    example = doctest.DocTestParser().get_doctest(text, {}, "streams.producer", None, 0)

    result = doctest.DocTestRunner().run(example)

    assert result.attempted == 4
    assert result.failed == 0


def test_the_example_in_the_readme_works(broker: Broker, arrived: Read) -> None:
    (example,) = re.findall(r"```python\n(from streams\.producer.*?)```", README, flags=re.DOTALL)

    exec(example.replace("127.0.0.1:9092", broker.bootstrap), {})

    assert [record.body["type"] for record in arrived()] == ["product_viewed"]


# -- Kafka goes away ---------------------------------------------------------------------------------


def test_a_kafka_that_is_away_for_ten_seconds_gets_every_event_once(broker: Broker, arrived: Read) -> None:
    events = [page(f"c-{number % 17}", number) for number in range(3_000)]
    under_way = threading.Event()
    futures = []

    def send_all(producer: EngagementProducer) -> None:
        for number, event in enumerate(events):
            futures.append(producer.send(event))
            if number == 500:
                under_way.set()
            time.sleep(0.005)

    with EngagementProducer(broker.bootstrap) as producer:
        sender = threading.Thread(target=send_all, args=[producer])
        sender.start()
        under_way.wait()
        broker.kill()
        time.sleep(10)
        assert not futures[-1].done()
        broker.start()
        sender.join()

    assert Counter(ids(arrived())) == dict.fromkeys((event.event_id for event in events), 1)


def test_a_broker_that_never_answers_leaves_a_list_of_what_was_not_delivered(broker: Broker) -> None:
    events = [page(f"c-{number}") for number in range(10)]
    producer = EngagementProducer(broker.bootstrap, delivery_timeout_seconds=60)
    producer.send(page("before")).result(timeout=30)
    broker.hold()
    try:
        for event in events:
            producer.send(event)
        with pytest.raises(NotDelivered, match=r"^10 events not delivered \(Kafka at ") as caught:
            producer.flush(timeout_seconds=1)
    finally:
        broker.release()

    assert [undelivered.event for undelivered in caught.value.undelivered] == events
    assert {undelivered.channel for undelivered in caught.value.undelivered} == {"website"}
    producer.close()


def test_what_flush_reported_may_be_sent_again_and_is_the_same_event(broker: Broker, arrived: Read) -> None:
    with EngagementProducer(broker.bootstrap) as producer:
        broker.hold()
        try:
            producer.send(new_event("noted", customer_id="c"), channel="chat")
            with pytest.raises(NotDelivered) as caught:
                producer.flush(timeout_seconds=0.5)
        finally:
            broker.release()
        for undelivered in caught.value.undelivered:
            producer.send(undelivered.event, channel=undelivered.channel)

    records = arrived()
    assert {record.topic for record in records} == {CHAT}
    assert [record.body for record in records] == [records[0].body] * 2


def test_leaving_the_block_raises_what_was_not_delivered(broker: Broker) -> None:
    events = [page(f"c-{number}") for number in range(3)]
    futures = []

    def send_to_a_broker_that_stops_answering() -> None:
        with EngagementProducer(broker.bootstrap, delivery_timeout_seconds=2) as producer:
            broker.hold()
            futures.extend(producer.send(event) for event in events)

    try:
        with pytest.raises(NotDelivered) as caught:
            send_to_a_broker_that_stops_answering()
    finally:
        broker.release()

    assert [undelivered.event for undelivered in caught.value.undelivered] == events
    with pytest.raises(NotDelivered):
        futures[-1].result(timeout=30)


def test_a_failed_delivery_is_raised_by_the_next_send_with_both_events(broker: Broker) -> None:
    first, second = page("first"), page("second")
    producer = EngagementProducer(broker.bootstrap, delivery_timeout_seconds=1)
    broker.hold()
    try:
        failed = producer.send(first)
        with pytest.raises(NotDelivered, match=r"^1 event not delivered"):
            failed.result(timeout=60)
        with pytest.raises(NotDelivered) as caught:
            producer.send(second)
    finally:
        broker.release()

    assert [undelivered.event for undelivered in caught.value.undelivered] == [first, second]
    producer.close()


def test_a_full_producer_waits_and_then_says_so(broker: Broker, arrived: Read) -> None:
    producer = EngagementProducer(broker.bootstrap, max_pending=3, max_block_seconds=0.5)
    broker.hold()
    try:
        for number in range(3):
            producer.send(page("c", number))
        with pytest.raises(ProducerBusy, match=r"^3 events wait for Kafka at .*: send this one later$"):
            producer.send(page("c", 3))
    finally:
        broker.release()
    producer.flush()
    producer.send(page("c", 4))
    producer.close()

    assert ids(arrived()) == ["c-0", "c-1", "c-2", "c-4"]


def test_a_closed_producer_takes_nothing(broker: Broker) -> None:
    producer = EngagementProducer(broker.bootstrap)
    producer.close()
    producer.close()

    with pytest.raises(RuntimeError, match="closed"):
        producer.send(page("c"))


# -- nothing to send to ------------------------------------------------------------------------------


def test_a_kafka_that_is_not_there_is_one_line() -> None:
    (port,) = free_ports(1)

    with pytest.raises(KafkaUnavailable, match=r"nobody listens there"):
        EngagementProducer(f"{LOOPBACK}:{port}")


def test_an_address_without_a_port_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^bootstrap: 'localhost' is not host:port"):
        EngagementProducer("localhost")


def test_a_linger_beyond_the_delivery_timeout_is_one_line(broker: Broker) -> None:
    with pytest.raises(ConfigError, match=r"^linger_ms: "):
        EngagementProducer(broker.bootstrap, delivery_timeout_seconds=1, linger_ms=500)


def test_missing_topics_are_named(kafka_broker: str) -> None:
    with pytest.raises(MissingTopic, match=r"has no topic .*: run `engage topics`$"):
        EngagementProducer(kafka_broker)
