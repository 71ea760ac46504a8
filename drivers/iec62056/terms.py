"""How an optical meter of one profile is talked to: what a profile file says beyond names. Types only.

The codes that mean the same in every meter are in `mapping`; a profile adds its own or leaves them.
"""

import enum
from dataclasses import dataclass

from ..meter_time import ClockZone
from .load_profile import StampAt


class Mode(enum.StrEnum):
    """The protocol mode of IEC 62056-21, chapter 6."""

    A = "A"
    """Answers at 300 Bd."""
    B = "B"
    """Answers at the rate that its identification names."""
    C = "C"
    """Answers at the rate that is agreed on, and has a programming mode."""
    D = "D"
    """Sends by itself."""


class Method(enum.StrEnum):
    """How the energy registers are had."""

    READOUT = "readout"
    """All that the meter tells, in one telegram."""
    REGISTERS = "registers"
    """Each by a read command of programming mode: seconds instead of minutes at 300 Bd."""


@dataclass(frozen=True, slots=True)
class ProfileTerms:
    """A load profile: its code, the read command, and which end of its period a line is dated by."""

    code: str
    command: str
    stamp_at: StampAt


@dataclass(frozen=True, slots=True)
class OpticalTerms:
    """Everything that a session needs to know of the model."""

    mode: Mode
    method: Method
    read_command: str
    """R1, R2 or R5, of single registers."""
    push_bd: int
    """Mode D: the rate of its telegrams."""
    fastest_bd: int
    """Faster is not agreed to, whatever the meter offers."""
    has_bcc: bool
    wakes_up: bool
    """A battery meter that wants a wake-up message."""
    password_level: int
    """0: none is wanted."""
    one_moment: bool
    unit_if_none: str | None
    longest_s: int
    """A session that has lasted so long is given up."""
    clock_zone: ClockZone | None
    load_profile: ProfileTerms | None
