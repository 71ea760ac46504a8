"""What a broker takes: the smaller of what the config says and what its CONNACK says (MQTT 5, 3.2.2.3)."""

from dataclasses import dataclass, replace

from paho.mqtt.properties import Properties

from ..config.types import MqttSection

MOST_IN_FLIGHT = 20
"""What may be on the wire unacknowledged, retained messages included. As much as mosquitto takes by default."""
LARGEST_PACKET_BYTES = 268_435_460
"""Of MQTT itself (MQTT 5, 2.1.4)."""
RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED = 0x9A, 0x9B


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one broker."""

    in_flight: int = MOST_IN_FLIGHT
    most_qos: int = 1
    retains: bool = True
    packet_bytes: int = LARGEST_PACKET_BYTES
    """Who sends a larger packet is thrown out (3.2.2.3.6)."""

    @classmethod
    def of_config(cls, section: MqttSection) -> "Limits":
        """What the user says."""
        return cls(MOST_IN_FLIGHT, section.max_qos, section.retain)

    def told(self, properties: Properties | None) -> "Limits":
        """With what a CONNACK says; what it leaves out is no limit."""
        return Limits(
            min(self.in_flight, int(getattr(properties, "ReceiveMaximum", self.in_flight))),
            min(self.most_qos, int(getattr(properties, "MaximumQoS", self.most_qos))),
            self.retains and bool(getattr(properties, "RetainAvailable", 1)),
            min(self.packet_bytes, int(getattr(properties, "MaximumPacketSize", self.packet_bytes))),
        )

    def refused(self, reason_code: int) -> "Limits":
        """After a CONNECT that was refused for its last will: as this broker wants it."""
        if reason_code == RETAIN_NOT_SUPPORTED:
            return replace(self, retains=False)
        return replace(self, most_qos=0) if reason_code == QOS_NOT_SUPPORTED else self
