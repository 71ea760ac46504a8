"""What a history leaves behind for its judge: each reading with what became of it, and all that was written. Types.

Knows nothing of the gateway. Energy in milliwatt-hours, times in microseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

DIRECTIONS = ("import", "export")
Content = Mapping[str, Any]


class Fate(StrEnum):
    """What became of a reading."""

    BOOKED = "booked"
    OPENED = "opened"
    """It is the first of a register epoch."""
    NOT_BOOKED = "not booked"


@dataclass(slots=True)
class Taken:
    """One reading: what the meter showed, where the wall clock placed it, when it truly was."""

    meter: int
    """Which of the meters that hung there."""
    glitch: bool
    shown: Mapping[str, int]
    wall_earliest_us: int
    wall_latest_us: int
    monotonic_us: int
    boot: str
    true_earliest_us: int
    true_latest_us: int
    clock_off_us: int
    fate: Fate = Fate.NOT_BOOKED
    state: Content | None = None
    """The live account right after it was booked."""
    quiet: bool = False
    """Whether no edge waited for a later reading then."""
    told: int = 0
    """How many events had been told by then."""

    @property
    def wall_us(self) -> int:
        """The middle, at which it is booked."""
        return self.wall_earliest_us + (self.wall_latest_us - self.wall_earliest_us) // 2

    @property
    def true_us(self) -> int:
        """The same in true time."""
        return self.true_earliest_us + (self.true_latest_us - self.true_earliest_us) // 2


@dataclass(slots=True)
class Played:
    """All of it, in order."""

    taken: list[Taken] = field(default_factory=list)
    intervals: list[Content] = field(default_factory=list)
    events: list[Content] = field(default_factory=list)
