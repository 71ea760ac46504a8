"""Which MQTT a connection is asked in: 5 first, 3.1.1 where the broker refuses that, 5 again later. No I/O, no clock.

A broker that only speaks 3.1.1 answers CONNECT with a code of its own; some hang up on it, or are silent. So does a
proxy whose broker is away: therefore silence counts only when it is repeated, and what rests on silence alone is
doubted again and again. Under 3.1.1 an acknowledgement is worth less: nobody is kept in it by accident.
"""

from paho.mqtt.enums import MQTTProtocolVersion

from .delivery import MQTT_311

UNSUPPORTED_VERSION = 0x84
"""CONNACK, MQTT 5, 3.2.2.2; paho makes it of 3.1.1's return code 1 too."""
SILENCES = 3
"""So many in a row without an answer to MQTT 5 are no accident."""
AGAIN_US = 60_000_000
"""How long 3.1.1 stands on silence alone until 5 is asked for again; twice as long after each further silence."""
AGAIN_MOST_US = 86_400_000_000


class Dialect:
    """Of one publisher. Microseconds by the caller's monotonic clock."""

    def __init__(self) -> None:
        self.version = MQTTProtocolVersion.MQTTv5
        self._silences = 0
        """Of CONNECTs in MQTT 5, in a row."""
        self._pause_us = AGAIN_US
        self._again_us: int | None = None

    @property
    def is_five(self) -> bool:
        return self.version is MQTTProtocolVersion.MQTTv5

    @property
    def name(self) -> str:
        return "5" if self.is_five else MQTT_311

    def is_five_due(self, now_us: int) -> bool:
        """Whether a connection that stands in 3.1.1 is to be given up for a trial of 5."""
        return self._again_us is not None and now_us >= self._again_us

    def hear_unsupported(self) -> None:
        """The broker has said that it does not speak this one."""
        self._silences = 0
        self._change()

    def hear_silence(self) -> None:
        """The broker hung up on CONNECT, or never answered it."""
        if not self.is_five:  # silent to both: that is not about the version
            self._silences = 0
            self._change()
            return
        self._silences += 1
        if self._silences >= SILENCES:
            self._change()

    def hear_accepted(self, now_us: int) -> None:
        """A connection stands."""
        if self.is_five:
            self._silences, self._pause_us = 0, AGAIN_US
        elif self._silences:
            self._again_us = now_us + self._pause_us
            self._pause_us = min(2 * self._pause_us, AGAIN_MOST_US)

    def hear_end(self) -> None:
        """A connection that stood has ended: who is met next may be another, or a newer one."""
        self.version, self._again_us = MQTTProtocolVersion.MQTTv5, None
        self._silences = min(self._silences, SILENCES - 1)  # who has proven it needs to be silent only once

    def _change(self) -> None:
        self.version = MQTTProtocolVersion.MQTTv311 if self.is_five else MQTTProtocolVersion.MQTTv5
