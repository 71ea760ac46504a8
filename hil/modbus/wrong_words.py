"""A meter whose answers are now and then whole and sound and hold wrong words: only the books can notice.

The meter counts in whole Wh and answers function 3 at once. Shares no code with the driver.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from .frames import Request, exception_pdu, framed, registers_pdu

PROFILE = """\
vendor = "netmeter-hil"
title = "a meter that is lied about"
family = "modbus"
function = 3
word_order = "big"
update_lag_ms = 0
update_lag_source = "simulated"

[[registers]]
name = "energy_import"
address = 10
type = "uint32"
unit = "Wh"
source = "simulated"
confirmed = true

[[registers]]
name = "energy_export"
address = 12
type = "uint32"
unit = "Wh"
source = "simulated"
confirmed = true

[[registers]]
name = "power"
address = 14
type = "int32"
unit = "W"
source = "simulated"
confirmed = true

[[vectors]]
title = "one and two Wh"
source = "synthetic"
[[vectors.blocks]]
address = 10
words = [0, 1, 0, 2, 0, 3]
[vectors.expected]
energy_import_milliwh = 1_000
energy_export_milliwh = 2_000
power_milliw = 3_000
"""
FIRST_ADDRESS, WORDS = 10, 6
US_PER_H = 3_600_000_000
MILLIWH_PER_WH = 1000


class Wrong(StrEnum):
    """What the words of a wrong frame are."""

    RANDOM = "random"
    LOW_WORDS = "low-words"
    """Only the lower words of the registers are random: off by less than 66 kWh."""
    ZEROS = "zeros"
    ONES = "ones"
    SHIFTED = "shifted"
    """The answer to a question about other addresses."""
    OTHER_METER = "other-meter"
    STALE = "stale"
    """The meter's own words of some time ago."""


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts both ways at once, so that every moment has words of its own. Wh at the start; watts."""

    import_wh: int
    export_wh: int
    import_w: int
    export_w: int

    def registers_wh(self, since_start_us: int) -> tuple[int, int]:
        """Import and export in whole Wh."""
        return (
            self.import_wh + self.import_w * since_start_us // US_PER_H,
            self.export_wh + self.export_w * since_start_us // US_PER_H,
        )

    def words(self, since_start_us: int) -> tuple[int, ...]:
        """All registers of the profile."""
        values = (*self.registers_wh(since_start_us), (self.import_w - self.export_w) & 0xFFFFFFFF)
        return tuple(half for value in values for half in (value >> 16 & 0xFFFF, value & 0xFFFF))


def wrong_words(meter: Meter, kind: Wrong, since_start_us: int, chance: Random) -> tuple[int, ...]:
    """As many words as were asked for."""
    right = meter.words(since_start_us)
    match kind:
        case Wrong.RANDOM:
            return tuple(chance.randrange(0x10000) for _ in right)
        case Wrong.LOW_WORDS:
            return tuple(word if n % 2 == 0 else chance.randrange(0x10000) for n, word in enumerate(right))
        case Wrong.ZEROS:
            return (0,) * len(right)
        case Wrong.ONES:
            return (0xFFFF,) * len(right)
        case Wrong.SHIFTED:
            by = chance.choice((1, 2, 3, 4))
            return right[by:] + right[:by]
        case Wrong.OTHER_METER:
            other = Meter(meter.export_wh + chance.randrange(10**6), meter.import_wh, 900, 100)
            return other.words(since_start_us)
        case Wrong.STALE:
            ago_us = chance.randrange(30_000_000, 7_200_000_000)
            return meter.words(since_start_us - ago_us)


def reply(meter: Meter, request: Request, since_start_us: int, wrong: Wrong | None, chance: Random) -> bytes:
    """The frame that the meter sends."""
    first = request.address - FIRST_ADDRESS
    if request.function != 3 or first < 0 or first + request.count > WORDS:
        return framed(request, exception_pdu(request.function, 2))
    words = meter.words(since_start_us) if wrong is None else wrong_words(meter, wrong, since_start_us, chance)
    return framed(request, registers_pdu(3, words[first : first + request.count]))
