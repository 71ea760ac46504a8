"""The times of a line: a character, the silence between frames, what a device may take. Pure.

(Modbus over Serial Line V1.02, 2.5.1)
"""

from dataclasses import dataclass

SILENCE_ABOVE_19200_US = 1750  # fixed t3.5 above 19200 baud (2.5.1.1)
STANDARD_BITS = 11
"""Start, 8 data, parity or a second stop, stop (2.5.1). Also what a line is taken for whose settings are not known."""


def bits_of(*, has_parity: bool, stop_bits: int) -> int:
    """Bits of a character: start, 8 data, parity if there is one, stop. 8N1 has 10, whatever the standard wants."""
    return 1 + 8 + has_parity + stop_bits


@dataclass(frozen=True, slots=True)
class LineTimes:
    """`timeout_us` is the device's time to answer; time on the wire is added where `baud_bd` is known.

    `quiet_us` (default: the timeout) must exceed the device's worst latency. `pause_us` is the silence that some
    devices want before every request. `is_paced`: the port has a UART of its own, which takes `baud_bd`'s time for
    each character; what a pty, a converter or a USB device without one carries may come sooner.
    """

    timeout_us: int
    quiet_us: int | None = None
    baud_bd: int | None = None
    pause_us: int = 0
    character_bits: int = STANDARD_BITS
    is_paced: bool = False
    connect_us: int = 0
    """Nothing is sent for so long after the port or the connection was opened."""

    @property
    def character_us(self) -> int:
        """Time of a character on the wire. 0: not known."""
        return self._of_bits(self.character_bits)

    @property
    def silence_us(self) -> int:
        """t3.5 of an RTU line. The standard's character has 11 bits, and so have the timers of devices set to 8N1."""
        slow = self.baud_bd is not None and self.baud_bd <= 19200
        return self._of_bits(max(self.character_bits, STANDARD_BITS)) * 7 // 2 if slow else SILENCE_ABOVE_19200_US

    def _of_bits(self, bits: int) -> int:
        return -(-bits * 1_000_000 // self.baud_bd) if self.baud_bd else 0
