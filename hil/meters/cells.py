"""How simulated meters put numbers into registers: a vendor's own digits, then `struct`. Knows no profile.

Addresses are wire addresses. `low first` means that the 16-bit word with the lower half comes first.
"""

import struct
from dataclasses import dataclass, field

LINE_DECIV = 1200
HERTZ = 60
VOLTS = (120.0, 121.0, 119.0)
"""Of the three phases of a meter's service: each its own, so that no phase can be taken for another."""
DECIVOLTS = (1200, 1210, 1190)


@dataclass(slots=True)
class Cells:
    """The registers of one meter in one moment, as they are put in."""

    function: int
    low_first: bool = False
    words: dict[tuple[int, int], int] = field(default_factory=dict)

    def put(self, address: int, raw: bytes, *, function: int | None = None, low_first: bool | None = None) -> None:
        """Bytes of one number, high byte first, into words from `address` on."""
        found = list(struct.unpack(f">{len(raw) // 2}H", raw))
        if self.low_first if low_first is None else low_first:
            found.reverse()
        for n, word in enumerate(found):
            place = (function or self.function, address + n)
            if place in self.words:
                raise ValueError(f"two registers at {place}")
            self.words[place] = word

    def float32(self, address: int, *values: float) -> None:
        for n, value in enumerate(values):
            self.put(address + 2 * n, struct.pack(">f", value))

    def float64(self, address: int, *values: float) -> None:
        for n, value in enumerate(values):
            self.put(address + 4 * n, struct.pack(">d", value))

    def int32(self, address: int, *values: int) -> None:
        for n, value in enumerate(values):
            self.put(address + 2 * n, struct.pack(">i", value))

    def uint32(self, address: int, *values: int, function: int | None = None) -> None:
        for n, value in enumerate(values):
            self.put(address + 2 * n, struct.pack(">I", value), function=function)

    def uint64(self, address: int, *values: int) -> None:
        for n, value in enumerate(values):
            self.put(address + 4 * n, struct.pack(">Q", value))

    def int64(self, address: int, *values: int) -> None:
        for n, value in enumerate(values):
            self.put(address + 4 * n, struct.pack(">q", value))

    def int16(self, address: int, *values: int) -> None:
        for n, value in enumerate(values):
            self.put(address + n, struct.pack(">h", value))

    def uint16(self, address: int, *values: int) -> None:
        for n, value in enumerate(values):
            self.put(address + n, struct.pack(">H", value))

    def text(self, address: int, words: int, value: str) -> None:
        self.put(address, value.encode("ascii").ljust(2 * words, b"\0"), low_first=False)


def nearest(number: int, divisor: int) -> int:
    return (2 * number + divisor) // (2 * divisor)


def by_phase(value: float) -> tuple[float, float, float]:
    """A sum as its three phases show it: a half, three tenths, the rest."""
    return value * 5 / 10, value * 3 / 10, value * 2 / 10


def digits_by_phase(milliwh: int, digit_milliwh: int) -> tuple[int, int, int]:
    """What three phases have counted, in whole digits, so that all together are the total's digits."""
    digits = milliwh // digit_milliwh
    one, two = digits * 5 // 10, digits * 3 // 10
    return one, two, digits - one - two


def digits_by_tariff(milliwh: int, digit_milliwh: int) -> tuple[int, int, int, int]:
    """What four tariffs have counted: four, three, two tenths, the rest."""
    digits = milliwh // digit_milliwh
    one, two, three = digits * 4 // 10, digits * 3 // 10, digits * 2 // 10
    return one, two, three, digits - one - two - three
