"""An MQTT subscriber of its own: what the broker really hands to a reader, in the order in which it comes.

Independent of the gateway's publisher; MQTT 3.1.1, so that every broker will do. Its network thread only fills a queue.
"""

import queue
from dataclasses import dataclass

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came."""

    topic: str
    payload: bytes
    retained: bool


class Watcher:
    """Subscribed to everything under a base topic. Reconnects by itself when the broker comes back."""

    def __init__(self, host: str, port: int, base_topic: str, session: str = "") -> None:
        """Connect and subscribe in the background. Raises OSError where the broker cannot be reached.

        `session`: a name under which the broker keeps for it, while it is away, what is sent with QoS 1.
        """
        self.connects = 0
        """How often it has been connected: after more than once it may have missed something."""
        self._topic = f"{base_topic}/#"
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=session, clean_session=not session)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.connect(host, port, keepalive=30)
        self._client.loop_start()

    def next(self, timeout_s: float) -> Message | None:
        """The next message; None if none comes within the timeout."""
        try:
            return self._messages.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Leave the broker. What has come is still there for `next`."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not reason.is_failure:
            self.connects += 1
            client.subscribe(self._topic, qos=1)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._messages.put(Message(message.topic, bytes(message.payload), message.retain))
