"""The times of a line: a character, the silence between frames, what a device may take. Pure.

(Modbus over Serial Line V1.02, 2.5.1)
"""

from dataclasses import dataclass

SILENCE_ABOVE_19200_US = 1750  # fixed t3.5 above 19200 baud (2.5.1.1)


@dataclass(frozen=True, slots=True)
class LineTimes:
    """`timeout_us` is the device's time to answer; time on the wire is added where `baud_bd` is known.

    `quiet_us` (default: the timeout) must exceed the device's worst latency. `pause_us` is the silence that some
    devices want before every request.
    """

    timeout_us: int
    quiet_us: int | None = None
    baud_bd: int | None = None
    pause_us: int = 0

    @property
    def character_us(self) -> int:
        """11 bits: start, 8 data, parity or second stop, stop. 8N1 in the field is a bit faster. 0: not known."""
        return -(-11_000_000 // self.baud_bd) if self.baud_bd else 0

    @property
    def silence_us(self) -> int:
        """t3.5 of an RTU line."""
        slow = self.baud_bd is not None and self.baud_bd <= 19200
        return self.character_us * 7 // 2 if slow else SILENCE_ABOVE_19200_US
