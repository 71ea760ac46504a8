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
    thrown_out: int = 0
    """How often another client of our name has taken our place; 0: none, or none any more."""
    error: str = ""
    encrypted: bool = False
    most_qos: int = 1
    retains: bool = True
    broker_certificate_days: int | None = None
    client_certificate_days: int | None = None

    @property
    def only_sent_because(self) -> str:
        """Why an acknowledgement says no more than "sent"; empty where it says more."""
        if self.most_qos == 0:
            return "QoS 0 is never acknowledged"
        if self.protocol == MQTT_311:  # a broker acknowledges even what its access rules throw away
            return "MQTT 3.1.1 tells no more"
        return "nobody subscribes" if self.acknowledged and not self.heard else ""

    @property
    def acknowledged_means(self) -> str:
        """What an acknowledgement is worth here: "taken by the broker", or only "sent"."""
        return "sent" if self.only_sent_because else "taken by the broker"


class Told:
    """The newest `Delivery`: changed by the publisher thread alone, read by any."""

    def __init__(self) -> None:
        self.delivery = Delivery()

    def change(self, **fields: Any) -> None:
        """Replaced whole, so that no lock is needed."""
        self.delivery = replace(self.delivery, **fields)
