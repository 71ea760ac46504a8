"""The energy that a statement is made of: the newest revision of each closed interval, as int64 columns.

Built from a store, a collector's database or a CSV file; checked once, here. A row that cannot be (negative energy,
overlap, no length) is an EnergyError with its place; time without a row is told (`holes`), never filled.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..tariff.walltime import iso_utc
from .trouble import NotReckonedError

Column = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class EnergyError(NotReckonedError):
    """The energy cannot be used; the message names the row, for the user."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One direction of every row, milliwatt-hours. `unassigned`: the share whose hour is not known."""

    milliwh: Column
    unassigned_milliwh: Column
    uncertain_milliwh: Column

    @staticmethod
    def none(rows: int) -> "Flow":
        """A direction that the meter does not have."""
        zeros = np.zeros(rows, dtype=np.int64)
        return Flow(zeros, zeros, zeros)

    @staticmethod
    def sure(milliwh: Column) -> "Flow":
        """Energy without a doubt, as a model's or a test's is."""
        zeros = np.zeros(len(milliwh), dtype=np.int64)
        return Flow(milliwh, zeros, zeros)


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start_us, end_us), UTC microseconds."""

    start_us: int
    end_us: int

    def __str__(self) -> str:
        return f"{iso_utc(self.start_us)} to {iso_utc(self.end_us)}"


def joined(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """The time that any of them covers, in order, each instant once."""
    made: list[Stretch] = []
    for one in sorted(stretches, key=lambda each: (each.start_us, each.end_us)):
        if made and one.start_us <= made[-1].end_us:
            made[-1] = Stretch(made[-1].start_us, max(made[-1].end_us, one.end_us))
        else:
            made.append(one)
    return tuple(made)


@dataclass(frozen=True, slots=True)
class EnergyTable:
    """One meter's intervals in order of time; row i is [start_us[i], end_us[i]). `source` says where they stand."""

    meter: str
    source: str
    start_us: Column
    end_us: Column
    flow_import: Flow
    flow_export: Flow
    estimated: Flags
    """Rows whose edges were not read: split by time, repeated or incomplete."""
    alone: Flags | None = None
    """Rows whose doubt is not made good by their neighbours': energy no register has, time shown twice."""
    lines: Column | None = None
    """Where each row stands in the file `source`, counted from 1; None where it is no file."""
    unknown: tuple[Stretch, ...] = ()
    """Time of which some energy is not known although there is a row: a direction, or one meter of several."""
    adjusted_milliwh: Column | None = None
    """What is credited (+) or taken back (-) as export of earlier hours: in each net, but no interval flowed by it."""

    def __post_init__(self) -> None:
        columns = [getattr(flow, name) for flow in self._flows() for name in Flow.__slots__]
        columns += [one for one in (self.lines, self.alone, self.adjusted_milliwh) if one is not None]
        lengths = {len(one) for one in (self.start_us, self.end_us, self.estimated, *columns)}
        if len(lengths) != 1:
            raise ValueError(f"columns of different lengths {sorted(lengths)}")
        self._refuse(self.end_us <= self.start_us, "ends before it begins; give its beginning first, then its end")
        overlaps = np.append(self.start_us[1:] < self.end_us[:-1], False)
        self._refuse(overlaps, "overlaps the next, or comes after it; give each interval once, the oldest first")
        for name, flow in (("import", self.flow_import), ("export", self.flow_export)):
            mend = "what flows the other way is the other column's; a register that went back goes through "
            self._refuse(flow.milliwh < 0, f"has negative {name} energy; {mend}`netmeter replay`")
            self._refuse(flow.uncertain_milliwh < 0, f"has negative {name} uncertainty; 0 where nothing is in doubt")
            outside = (flow.unassigned_milliwh < 0) | (flow.unassigned_milliwh > flow.milliwh)
            self._refuse(outside, f"has more unassigned {name} energy than energy")

    def __len__(self) -> int:
        return len(self.start_us)

    @property
    def credited_milliwh(self) -> Column:
        """What counts as export: what flowed, and what is adjusted. May be below zero."""
        if self.adjusted_milliwh is None:
            return self.flow_export.milliwh
        credited: Column = self.flow_export.milliwh + self.adjusted_milliwh
        return credited

    def place(self, row: int) -> str:
        """How a person finds a row."""
        where = self.source if self.lines is None else f"{self.source}:{self.lines[row]}"
        return f"{where}, {self.meter}, interval {Stretch(int(self.start_us[row]), int(self.end_us[row]))}"

    def rows_in(self, start_us: int, end_us: int) -> slice:
        """The rows that begin within [start_us, end_us)."""
        first, last = np.searchsorted(self.start_us, [start_us, end_us], side="left")
        return slice(int(first), int(last))

    def holes(self, start_us: int, end_us: int) -> tuple[Stretch, ...]:
        """The time within [start_us, end_us) of which not all energy is known, in order: no row, or half a row."""
        cut = (Stretch(max(one.start_us, start_us), min(one.end_us, end_us)) for one in self.unknown)
        return joined([*self._uncovered(start_us, end_us), *(one for one in cut if one.start_us < one.end_us)])

    def _uncovered(self, start_us: int, end_us: int) -> tuple[Stretch, ...]:
        rows = self.rows_in(start_us, end_us)
        first = rows.start - 1 if rows.start and self.end_us[rows.start - 1] > start_us else rows.start
        begins = np.append(np.maximum(self.start_us[first : rows.stop], start_us), end_us)
        ends = np.insert(np.minimum(self.end_us[first : rows.stop], end_us), 0, start_us)
        return tuple(Stretch(int(ends[at]), int(begins[at])) for at in np.flatnonzero(begins > ends))

    def first_and_last_us(self) -> tuple[int, int]:
        """From the first row's beginning to the last one's end. Raises EnergyError where there is none."""
        if not len(self):
            mend = "a store has its first one some minutes after the first reading, when it has ended (interval_min)"
            raise EnergyError(f"{self.source}: there is no interval of {self.meter} in it yet; {mend}")
        return int(self.start_us[0]), int(self.end_us[-1])

    def _flows(self) -> tuple[Flow, Flow]:
        return self.flow_import, self.flow_export

    def _refuse(self, wrong: Flags, what: str) -> None:
        if wrong.any():
            raise EnergyError(f"{self.place(int(np.argmax(wrong)))}: {what}")
