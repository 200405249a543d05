"""Send events from Python: validated, keyed and partitioned as the contract says, nothing lost in silence.

>>> from streams.producer import EngagementProducer, new_event
>>> viewed = new_event("product_viewed", customer_id="c-42", properties={"product_id": "p-7"})
>>> with EngagementProducer("127.0.0.1:9092") as producer:
...     future = producer.send(viewed)  # a retry of the same event counts once
>>> future.result().topic
'events.website'

The models of `schemas.events` may be sent as well as what `new_event` returns. On leaving the block
everything is delivered, or `NotDelivered` is raised with the events that are not.
"""

from streams.kafka_security import Brokers, Login, tls_context
from streams.producer.errors import InvalidEvent, NotDelivered, ProducerBusy, Undelivered
from streams.producer.events import new_event
from streams.producer.producer import Delivered, EngagementProducer

__all__ = (
    "Brokers",
    "Delivered",
    "EngagementProducer",
    "InvalidEvent",
    "Login",
    "NotDelivered",
    "ProducerBusy",
    "Undelivered",
    "new_event",
    "tls_context",
)
