"""Another client of a name that is taken: the broker has to close the older session (MQTT 5, 3.1.4-3)."""

import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

PATIENCE_S = 5.0


class Intruder:
    """Comes with a clean start, so that what the broker kept for that name is gone, and leaves at once."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._host, self._port = host, port
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
