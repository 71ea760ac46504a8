"""The gateway's clock inside a simulated house: house time for the pipeline, real time for wire, disk and MQTT.

Implements `gateway.clock.Clock` over an `Anchor`; nothing else of the gateway is touched. A script makes it wrong: not
set at boot, set later, stepped, or of another boot, while the house and its meters live on.
"""

from dataclasses import dataclass
from pathlib import Path

from gateway.clock import ClockState

from .house_time import US_PER_S, Anchor, monotonic_us


@dataclass(frozen=True, slots=True)
class ClockSpell:
    """From this second after the house's start on, how far the wall clock is off, and whether it is known to be set."""

    from_s: int
    offset_s: int
    synced: bool = True

    @classmethod
    def parse(cls, text: str) -> "ClockSpell":
        """`SECOND:OFFSET` or `SECOND:OFFSET:unsynced`. Raises ValueError."""
        parts = text.split(":")
        if len(parts) not in (2, 3) or parts[2:] not in ([], ["unsynced"]):
            raise ValueError(f"{text}: expected SECOND:OFFSET or SECOND:OFFSET:unsynced")
        return cls(int(parts[0]), int(parts[1]), len(parts) == 2)


class ScaledClock:
    """House time as wall time, as the spells bend it; monotonic time runs at the same rate and is never bent."""

    def __init__(self, anchor: Anchor, spells: tuple[ClockSpell, ...] = (), boot_id: str | None = None) -> None:
        """`boot_id`: the machine's own unless a test plays a new boot. Spells in order of time."""
        self._anchor, self._spells = anchor, spells
        self.boot_id = boot_id or Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    @property
    def rate(self) -> int:
        """House microseconds in a real one."""
        return self._anchor.speed

    def wall_us(self) -> int:
        """What the daemon takes for UTC microseconds."""
        now_us = self._anchor.house_us(monotonic_us())
        return now_us + self._spell(now_us).offset_s * US_PER_S

    def monotonic_us(self) -> int:
        """CLOCK_MONOTONIC times the speed: the same scale in every process of this boot and speed."""
        return monotonic_us() * self._anchor.speed

    def real_us(self) -> int:
        """CLOCK_MONOTONIC, unscaled microseconds."""
        return monotonic_us()

    def state(self) -> ClockState:
        """Synced unless the script says otherwise: the anchor is the truth of this house."""
        synced = self._spell(self._anchor.house_us(monotonic_us())).synced
        return ClockState.SYNCED if synced else ClockState.UNSYNCED

    def error_us(self) -> int:
        """None is told: a scripted step is a fault of the clock, not its stated error."""
        return 0

    def _spell(self, house_us: int) -> ClockSpell:
        since_s = (house_us - self._anchor.start_utc_us) // US_PER_S
        passed = [spell for spell in self._spells if spell.from_s <= since_s]
        return passed[-1] if passed else ClockSpell(0, 0)
