"""One connection as its callbacks see it: they take notes here, and whoever owns it acts on them later.

A fresh one for each connection, so that nothing an old client still says is ever heard.
"""

from collections import deque
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from .dialect import UNSUPPORTED_VERSION

UNSPECIFIED = 0x80
"""What paho calls the end of a connection for which the broker gave no reason."""
TAKEN_OVER = 0x8E
"""MQTT 5, 3.14.2.1: another client has connected with our client id."""


@dataclass(slots=True)
class Session:
    """`number`: which of the publisher's connections. `connected_us`: since when it stands, None before."""

    number: int
    client: mqtt.Client | None = None
    connected_us: int | None = None
    trouble: str = ""
    """Why it has to end."""
    accepted: bool = False
    """CONNACK with success has come, and nobody has acted on it."""
    properties: Properties | None = None
    refusal: int | None = None
    """The reason code of a CONNACK that refuses."""
    taken_over: bool = False
    """Another client of our name has taken our place: the broker's word."""
    acknowledgements: deque[tuple[int, ReasonCode]] = field(default_factory=deque)

    @property
    def speaks_another(self) -> bool:
        """Whether the broker has said that it does not know this version of MQTT."""
        return self.refusal == UNSUPPORTED_VERSION

    def note_connected(self, reason: ReasonCode, properties: Properties | None) -> None:
        if reason.is_failure:
            self.refusal = int(reason.value)
            self.trouble = f"the broker refused the connection: {reason}"
        else:
            self.accepted, self.properties = True, properties

    def note_lost(self, reason: ReasonCode) -> None:
        self.taken_over = reason.value == TAKEN_OVER
        why = "broker or network closed it without a reason" if reason.value == UNSPECIFIED else str(reason)
        self.trouble = self.trouble or f"connection lost: {why}"

    def note_acknowledged(self, mid: int, reason: ReasonCode) -> None:
        self.acknowledgements.append((mid, reason))
