"""What a scan has found so far. Filled while it runs, so that one that is broken off still tells what it knows."""

from dataclasses import dataclass, field
from typing import Protocol

from drivers.marks import Likeness
from drivers.modbus.recognise import Recognition
from drivers.modbus.scan import LineSetting

COARSE_MILLIWH = 100_000
"""Steps of 0.1 kWh and more: a quarter of an hour at 400 W is one step."""


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit that answers. `port` or `host` is as a config names it; `setting`: of a serial line."""

    unit: int
    who: Recognition
    port: str = ""
    host: str = ""
    tcp_port: int = 502
    is_rtu_over_tcp: bool = False
    setting: LineSetting | None = None
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it was found, for people."""
        way = self.port or f"{self.host}:{self.tcp_port}"
        setting = "" if self.setting is None else f" at {self.setting}"
        return f"{way}{setting} unit {self.unit}"

    @property
    def profile(self) -> str | None:
        """The name of the profile that it is surely or likely of; None where that is open."""
        return None if self.who.chosen is None else self.who.chosen.profile.name

    @property
    def is_likely_only(self) -> bool:
        return self.who.chosen is not None and self.who.chosen.likeness is Likeness.LIKELY

    @property
    def coarse_milliwh(self) -> int | None:
        """The step of its coarsest energy register, where that is coarse."""
        if self.who.sample is None:
            return None
        snapshot = self.who.sample.snapshot
        both = (snapshot.energy_import, snapshot.energy_export)
        step_milliwh = max((one.resolution_milliwh for one in both if one is not None), default=0)
        return step_milliwh if step_milliwh >= COARSE_MILLIWH else None


@dataclass(slots=True)
class ScanReport:
    """All of a scan."""

    found: list[FoundUnit] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Meters of the config, which were not asked anew."""
    notes: list[str] = field(default_factory=list)
    """What could not be done, or was left out, and what to do about it."""
    requests: int = 0
    failed: int = 0
    """Places that could not be asked at all."""
    is_broken_off: bool = False

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


class Teller(Protocol):
    """Who is told how it goes."""

    def doing(self, what: str, done: int, total: int) -> None: ...

    def answers(self, place: str) -> None: ...

    def found(self, unit: FoundUnit) -> None: ...
