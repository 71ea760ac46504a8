"""Which MQTT a connection is asked in: 5 first, 3.1.1 where that is refused, 5 again for the next one. No I/O.

A broker that only speaks 3.1.1 answers CONNECT with a code of its own, hangs up on it, or is silent. One that has
spoken MQTT 5 and is silent once may just be restarting: under 3.1.1 an acknowledgement is worth less, so nobody is
kept in it by accident.
"""

from paho.mqtt.enums import MQTTProtocolVersion

from .delivery import MQTT_311

UNSUPPORTED_VERSION = 0x84
"""CONNACK, MQTT 5, 3.2.2.2; paho makes it of 3.1.1's return code 1 too."""
SILENCES = 2
"""So many without an answer to MQTT 5 are no accident."""


class Dialect:
    """Of one publisher."""

    def __init__(self) -> None:
        self.version = MQTTProtocolVersion.MQTTv5
        self._five_stood = False
        self._silences = 0
        """Of CONNECTs in MQTT 5, since it stood."""

    @property
    def is_five(self) -> bool:
        return self.version is MQTTProtocolVersion.MQTTv5

    @property
    def name(self) -> str:
        return "5" if self.is_five else MQTT_311

    def hear_unsupported(self) -> None:
        """The broker has said that it does not speak this one."""
        self._change()

    def hear_silence(self) -> None:
        """The broker hung up on CONNECT, or never answered it."""
        self._silences += self.is_five
        if not (self.is_five and self._five_stood and self._silences < SILENCES):
            self._change()

    def hear_accepted(self) -> None:
        """A connection stands."""
        if self.is_five:
            self._five_stood, self._silences = True, 0

    def hear_end(self) -> None:
        """A connection that stood has ended: who is met next may be another, or a newer one."""
        if self._silences < SILENCES:
            self.version = MQTTProtocolVersion.MQTTv5

    def _change(self) -> None:
        self.version = MQTTProtocolVersion.MQTTv311 if self.is_five else MQTTProtocolVersion.MQTTv5
