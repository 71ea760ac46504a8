"""What the gateway hears from the broker: topics to subscribe to, and who is told. Decides nothing about a message.

Subscriptions are made anew on each connection, QoS 1. A message waits in the publisher's inbox until paho has been
left, so that whoever hears it may publish.
"""

from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from ..log import event_line, logger

Heard = Callable[[bytes, bool], None]
"""`heard(payload, retained)`: retained is True for what the broker had kept from before the subscription."""


class Listening:
    """The subscriptions of a publisher. Add all before it starts; the rest runs in its thread."""

    def __init__(self) -> None:
        self._heard: dict[str, Heard] = {}

    def add(self, topic: str, heard: Heard) -> None:
        """Listen to one topic, without wildcards."""
        self._heard[topic] = heard

    def drop(self, client: mqtt.Client, topic: str) -> None:
        """Hear no more of a topic."""
        if self._heard.pop(topic, None) is not None:
            client.unsubscribe(topic)

    def subscribe(self, client: mqtt.Client, post: Callable[[Callable[[], None]], None]) -> None:
        """Ask for all topics, once connected; `post` puts a call into the publisher's inbox."""
        client.on_message = lambda _c, _u, message: self._take(message, post)
        client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self._tell_refusals(reasons)
        for topic in self._heard:
            client.subscribe(topic, qos=1)

    def _take(self, message: mqtt.MQTTMessage, post: Callable[[Callable[[], None]], None]) -> None:
        try:
            heard = self._heard.get(message.topic)
        except UnicodeDecodeError:
            return  # a topic that is no UTF-8 is none of ours (MQTT 5.0, 1.5.4)
        if heard is not None:
            payload, retained = bytes(message.payload), message.retain
            post(lambda: heard(payload, retained))

    def _tell_refusals(self, reasons: list[ReasonCode]) -> None:
        for reason in reasons:
            if reason.is_failure:
                logger.warning(event_line("subscription_refused", topics=",".join(self._heard), reason=reason))
