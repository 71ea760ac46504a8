"""What a request costs on the wire. Pure arithmetic, for the plan that chooses between a hole and another request.

A read of n registers on a serial line: (8 + 5 + 2n) characters, the device's thinking, and the silence before it.
(Modbus over Serial Line V1.02, 2.5.1; Application Protocol V1.1b3, 6.3)
"""

from dataclasses import dataclass

from .line_times import STANDARD_BITS, LineTimes

READING_EVERY_US = 5_000_000
"""How often a meter is usually read. A value that may be older than this is asked for less often."""
FRAME_BYTES = 8 + 5
"""A request, and what is in an answer besides its registers."""
THINKING_US = 20_000
"""How long a meter takes to answer, if it is a quick one: 10 to 100 ms are seen."""
ROUND_TRIP_US = 5_000
"""A small meter on a local network; those on Wi-Fi take longer, and asking once more costs them more."""
TCP_REGISTER_US = 20
"""Its own copying: the two bytes themselves cost nothing on a network."""


@dataclass(frozen=True, slots=True)
class WireCost:
    """`request_us`: one more request, whatever it asks for. `register_us`: one more register in it."""

    request_us: int
    register_us: int

    @classmethod
    def rtu(cls, baud_bd: int, pause_us: int = 0, character_bits: int = STANDARD_BITS) -> "WireCost":
        """A serial line. `pause_us`: the silence that the device wants before a request, if more than t3.5."""
        times = LineTimes(0, baud_bd=baud_bd, character_bits=character_bits)
        character_us, silence_us = times.character_us, times.silence_us
        request_us = FRAME_BYTES * character_us + THINKING_US + silence_us + max(silence_us, pause_us)
        return cls(request_us, 2 * character_us)

    @classmethod
    def tcp(cls) -> "WireCost":
        """An endpoint on a network: a round trip, and next to nothing for a register."""
        return cls(ROUND_TRIP_US, TCP_REGISTER_US)

    def of(self, count: int) -> int:
        """Microseconds of a request for `count` registers."""
        return self.request_us + count * self.register_us
