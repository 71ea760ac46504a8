"""How delivery stands, for `netmeter status` and `health`: what the broker has said, never what we hope."""

from dataclasses import dataclass, replace
from typing import Any

MQTT_311 = "3.1.1"
NOBODY_LISTENS = 0x10
"""MQTT 5, 3.4.2.1: the broker took the message, and nobody subscribes to it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One moment of it.

    `acknowledged`: records with a PUBACK that is no failure; to `unheard` of these nobody listened.
    """

    connected: bool = False
    protocol: str = ""
    in_flight: int = 0
    acknowledged: int = 0
    unheard: int = 0
    heard: bool = False
    """The newest acknowledgement was of MQTT 5 and told of a subscriber."""
    refused: int = 0
    held: tuple[str, ...] = ()
    """Topics whose records the broker refuses; they are tried again ever more slowly."""
    connects: int = 0
    error: str = ""
    encrypted: bool = False
    most_qos: int = 1
    retains: bool = True
    broker_certificate_days: int | None = None
    client_certificate_days: int | None = None

    @property
    def acknowledged_means(self) -> str:
        """What an acknowledgement is worth here: "taken by the broker", or only "sent"."""
        # Under 3.1.1 a broker acknowledges even what its access rules throw away; with QoS 0 it says nothing at all.
        if self.protocol == MQTT_311 or self.most_qos == 0 or (self.acknowledged and not self.heard):
            return "sent"
        return "taken by the broker"


class Told:
    """The newest `Delivery`: changed by the publisher thread alone, read by any."""

    def __init__(self) -> None:
        self.delivery = Delivery()

    def change(self, **fields: Any) -> None:
        """Replaced whole, so that no lock is needed."""
        self.delivery = replace(self.delivery, **fields)
