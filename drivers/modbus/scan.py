"""What a scan asks, in which order, and how long that takes. Pure: no wire, no clock.

Common settings and addresses come first, so that the usual meter is found in seconds and the worst case is known before
the first question. Only reads are ever planned. (Modbus over Serial Line V1.02, 2.2, 2.5)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .frames import REQUEST_BYTES
from .line_times import LineTimes, bits_of

LIKELY_UNITS = (1, 2, 3)
"""Where meters stand that nobody has moved. Some makers count from elsewhere: those are in the usual units."""
USUAL_UNITS = (*range(1, 33), 100, 126, 247)
"""126 is what some panel meters are delivered with."""
TCP_UNITS = (1, 2, 3, 4, 5, 100, 126, 200, 240, 247, 255, 0)
"""Devices on a network listen to 1, or to whatever they are asked for; 255 and 0 are the standard's for a device itself
(Messaging on TCP/IP V1.0b, 4.4.2), 200 and 240 meters behind an inverter."""
USUAL_BAUDS_BD = (9600, 19200, 38400, 115200, 2400, 4800, 57600, 1200)
FIRST_TIMEOUT_MS = 200
"""How long a unit is waited for that may not be there. Meters take 10 to 100 ms; a USB adapter adds 16."""
REST_US = 50_000
"""Quiet after a question that nobody answered. A unit later than that is heard as somebody else's answer, and asked
again with patience."""
LATE_US = 300_000
"""Listened after the last unit of a setting, for one that is late."""
PROBE_WORDS = 2
PROBE_ANSWER_BYTES = 5 + 2 * PROBE_WORDS


class LineParity(StrEnum):
    """Parity of a character; the values are the usual letters."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"


@dataclass(frozen=True, slots=True)
class LineSetting:
    """How characters go over a serial line."""

    baud_bd: int
    parity: LineParity = LineParity.NONE
    stop_bits: int = 1

    @property
    def character_bits(self) -> int:
        return bits_of(has_parity=self.parity is not LineParity.NONE, stop_bits=self.stop_bits)

    def __str__(self) -> str:
        return f"{self.baud_bd} 8{self.parity.value}{self.stop_bits}"


# As makers deliver them, the most frequent first. 8E1 is the standard's own, 8N1 what most of the field has.
_DELIVERED = tuple(
    LineSetting(baud_bd, LineParity(parity))
    for baud_bd, parity in (
        (9600, "N"), (19200, "E"), (9600, "E"), (19200, "N"), (38400, "N"), (115200, "N"), (2400, "N"),
        (4800, "N"), (38400, "E"), (57600, "N"), (115200, "E"), (2400, "E"), (4800, "E"), (57600, "E"),
    )
)  # fmt: skip


def settings_of(
    bauds_bd: Sequence[int] = USUAL_BAUDS_BD,
    parities: Sequence[LineParity] = (LineParity.NONE, LineParity.EVEN),
    stop_bits: Sequence[int] = (1,),
) -> tuple[LineSetting, ...]:
    """Every combination, those first that meters are delivered with."""
    wanted = [LineSetting(baud, parity, stop) for stop in stop_bits for parity in parities for baud in bauds_bd]
    known = [setting for setting in _DELIVERED if setting in wanted]
    return tuple(dict.fromkeys([*known, *wanted]))


def likely_first(units: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The units to try at every setting before the others, and the others. One that is named alone is likely."""
    wanted = tuple(dict.fromkeys(units))
    likely = tuple(unit for unit in wanted if unit in LIKELY_UNITS) or wanted[:1]
    return likely, tuple(unit for unit in wanted if unit not in likely)


def silent_us(setting: LineSetting, timeout_us: int) -> int:
    """What a unit that is not there costs: request, the answer's own time, the wait, and the rest after it."""
    times = LineTimes(timeout_us, baud_bd=setting.baud_bd, character_bits=setting.character_bits)
    rest_us = max(REST_US, times.silence_us)
    return (REQUEST_BYTES + PROBE_ANSWER_BYTES) * times.character_us + timeout_us + rest_us


@dataclass(frozen=True, slots=True)
class Step:
    """Units to be tried at one setting, one after another."""

    setting: LineSetting
    units: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A serial line's scan. `is_every`: go on at the other settings once something was found at one."""

    settings: tuple[LineSetting, ...]
    units: tuple[int, ...]
    timeout_us: int = FIRST_TIMEOUT_MS * 1000
    listen_us: int = 2_000_000
    is_every: bool = False

    def first_steps(self) -> tuple[Step, ...]:
        """The likely units at each setting; with `is_every` all units."""
        likely, _rest = likely_first(self.units)
        return tuple(Step(setting, self.units if self.is_every else likely) for setting in self.settings)

    def rest_steps(self, found: Sequence[LineSetting]) -> tuple[Step, ...]:
        """The other units: where something was found, and only if nothing was, at each setting."""
        _likely, rest = likely_first(self.units)
        if self.is_every or not rest:
            return ()
        return tuple(Step(setting, rest) for setting in (found or self.settings))

    @property
    def first_us(self) -> int:
        """Until the first likely unit is asked, where the first setting is the right one: listening, no more."""
        return self.listen_us + silent_us(self.settings[0], self.timeout_us)

    @property
    def usual_us(self) -> int:
        """Where the first setting is the right one: all its units, silent ones, without what those who answer tell."""
        return self.listen_us + len(self.units) * silent_us(self.settings[0], self.timeout_us)

    @property
    def worst_us(self) -> int:
        """Where nothing answers: every unit at every setting. Listening comes once."""
        steps = (*self.first_steps(), *self.rest_steps(()))
        return self.listen_us + sum(
            LATE_US + len(step.units) * silent_us(step.setting, self.timeout_us) for step in steps
        )
