"""Another client: of a name that is taken, so that the broker has to close the older session (MQTT 5, 3.1.4-3), or
of its own name, to see whether the broker refuses what is published.
"""

import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

PATIENCE_S = 5.0
FAILURE = 0x80


class Intruder:
    """Comes with a clean start, so that what the broker kept for that name is gone, and leaves at once."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._host, self._port = host, port
        self._answers: list[int] = []
        self._client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)

    def come_and_go(self) -> None:
        """Connect, be let in, leave. A broker that is away lets nobody in."""
        try:
            self._client.connect(self._host, self._port, 10, clean_start=True)
        except OSError:
            return
        deadline_s = time.monotonic() + PATIENCE_S
        while not self._client.is_connected() and time.monotonic() < deadline_s:
            if self._client.loop(0.1):
                return
        self._client.disconnect()
        self._client.loop(0.1)

    def is_refused(self, topic: str) -> bool:
        """Publish one word; whether the broker answers with a failure (MQTT 5, 3.4.2.1)."""
        self._client.on_publish = lambda _c, _u, _mid, reason, _p: self._answers.append(reason.value)
        self._client.connect(self._host, self._port, 10, clean_start=True)
        deadline_s = time.monotonic() + PATIENCE_S
        while not self._client.is_connected() and time.monotonic() < deadline_s:
            self._client.loop(0.1)
        self._client.publish(topic, "x", qos=1)
        while not self._answers and time.monotonic() < deadline_s:
            self._client.loop(0.1)
        self._client.disconnect()
        return bool(self._answers) and self._answers[0] >= FAILURE
