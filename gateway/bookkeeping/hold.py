"""Readings taken before the time of day was known: held, and placed by monotonic time once it is.

A board without a battery boots at 1970 or at its last saved time. What the meter says then is true all the same; only
when is not known yet. Monotonic time of the same boot bridges that. Which rows of the store that takes is told to the
batch. No clock is asked here.
"""

from collections.abc import Iterable
from dataclasses import replace

from ..clock import ClockState
from ..ledger.records import Batch, Record
from ..reading.read import Reading

HELD_MOST = 4096
"""At one reading in five seconds more than five hours; beyond it every other one is let go, the ends never."""


class Held:
    """The waiting readings of one meter, oldest first, all of one boot."""

    def __init__(self, readings: Iterable[Reading] = ()) -> None:
        self._readings = list(readings)

    def __len__(self) -> int:
        return len(self._readings)

    def add(self, reading: Reading) -> bool:
        """Let a reading wait. One of another boot empties the room first: its monotonic time means nothing now.

        True where others had to go for it: what is stored of the room must be written anew.
        """
        kept = self._readings
        if kept and kept[-1].boot_id != reading.boot_id:
            kept = []
        elif len(kept) >= HELD_MOST:
            # A register is cumulative: a reading left out costs resolution in time, no energy.
            kept = kept[::2]
        others_went = len(kept) != len(self._readings)
        self._readings = [*kept, reading]
        return others_went

    def let_wait(self, reading: Reading, meter_id: int, batch: Batch) -> None:
        """Let a reading wait, in the store too."""
        reading = replace(reading, snapshot=replace(reading.snapshot, others={}))
        if self.add(reading):
            batch.released.add(meter_id)
            batch.held = [row for row in batch.held if row[0] != meter_id]
            batch.held += [(meter_id, one) for one in self.readings]
        else:
            batch.held.append((meter_id, reading))

    def place(self, known: Reading, meter_id: int, batch: Batch) -> tuple[list[Reading], Record]:
        """Those that waited, placed by monotonic time, and what is told of it; none of an earlier boot can ever be."""
        waited = len(self._readings)
        placed = self.release(known)
        batch.released.add(meter_id)
        batch.held = [row for row in batch.held if row[0] != meter_id]
        return placed, {
            "placed": len(placed),
            "not_placed": waited - len(placed),
            "from_utc_us": placed[0].latest_us if placed else None,
            "clock_error_us": known.clock_error_us,
        }

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that wait, oldest first."""
        return tuple(self._readings)

    def release(self, known: Reading) -> list[Reading]:
        """All that wait, placed by a reading whose time is known; none of another boot. The room is empty then."""
        waiting, self._readings = self._readings, []
        offset_us = known.latest_us - known.monotonic_us
        return [_placed(one, offset_us, known.clock_error_us) for one in waiting if one.boot_id == known.boot_id]


def _placed(reading: Reading, offset_us: int, error_us: int) -> Reading:
    latest_us = reading.monotonic_us + offset_us
    return replace(
        reading,
        earliest_us=latest_us - (reading.latest_us - reading.earliest_us),
        latest_us=latest_us,
        clock_state=ClockState.PLACED,
        clock_error_us=error_us,
    )
