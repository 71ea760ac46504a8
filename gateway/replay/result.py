"""What a replay gives: for each meter its buckets, its closed intervals, its events, what became of its readings.

Types only. Energy is integer milliwatt-hours, instants UTC microseconds, as in the daemon.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ..energy import Direction, Interval, Quality
from ..ledger.records import EventRow
from ..tariff.calendar import UNASSIGNED_NAME
from .digits import Digit
from .table import Readings
from .terms import Terms


class IntervalRun(Protocol):
    """Some intervals in a row, however they are kept."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Interval]: ...

    def count_quality(self, quality: Quality) -> int: ...

    def booked_milliwh(self, direction: Direction) -> dict[str, int]:
        """Energy by bucket, `unassigned` among them."""
        ...


class ListedRun(list[Interval]):
    """Intervals as they came, one object each."""

    def count_quality(self, quality: Quality) -> int:
        return sum(one.quality is quality for one in self)

    def booked_milliwh(self, direction: Direction) -> dict[str, int]:
        sums: dict[str, int] = {}
        for interval in self:
            part = interval.energy_import if direction is Direction.IMPORT else interval.energy_export
            if part is not None:
                sums[interval.bucket] = sums.get(interval.bucket, 0) + part.milliwh - part.unassigned_milliwh
                sums[UNASSIGNED_NAME] = sums.get(UNASSIGNED_NAME, 0) + part.unassigned_milliwh
        return sums


@dataclass(frozen=True, slots=True)
class Intervals:
    """All closed intervals of a meter, oldest first; made again each time they are gone through."""

    runs: tuple[IntervalRun, ...]

    def __len__(self) -> int:
        return sum(len(run) for run in self.runs)

    def __iter__(self) -> Iterator[Interval]:
        for run in self.runs:
            yield from run

    def count_quality(self, quality: Quality) -> int:
        """How many have this quality."""
        return sum(run.count_quality(quality) for run in self.runs)

    def booked_milliwh(self, direction: Direction) -> dict[str, int]:
        """Energy by bucket, `unassigned` among them: what the intervals add up to."""
        return added(run.booked_milliwh(direction) for run in self.runs)


@dataclass(frozen=True, slots=True)
class OpenInterval:
    """What was booked after the last edge: its interval has not ended in the table."""

    start_us: int
    bucket: str
    energy_milliwh: Mapping[Direction, int]
    unassigned_milliwh: Mapping[Direction, int]


@dataclass(frozen=True, slots=True)
class DirectionReplay:
    """One direction's account at the end. The law: buckets + unassigned == earlier epochs + last - first."""

    digit: Digit
    epoch_first_milliwh: int
    last_milliwh: int
    earlier_epochs_milliwh: int
    buckets_milliwh: Mapping[str, int]
    """Without `unassigned`."""
    unassigned_milliwh: int
    uncertain_milliwh: Mapping[str, int]
    finer_cells: int
    intervals_add_up: bool
    """Whether the closed intervals and the open one are what the buckets hold, bucket by bucket."""

    @property
    def booked_milliwh(self) -> int:
        return sum(self.buckets_milliwh.values()) + self.unassigned_milliwh

    @property
    def grown_milliwh(self) -> int:
        return self.earlier_epochs_milliwh + self.last_milliwh - self.epoch_first_milliwh

    @property
    def law_holds(self) -> bool:
        return self.booked_milliwh == self.grown_milliwh and self.intervals_add_up


@dataclass(frozen=True, slots=True)
class Refusal:
    """Readings that were not booked at once, for one reason."""

    kind: str
    """`rejected` or `quarantined`."""
    reason: str
    readings: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling, as the daemon tells it, with the line of the reading that it is about."""

    at_us: int
    line: int
    row: EventRow


@dataclass(frozen=True, slots=True)
class MeterReplay:
    """One meter's account."""

    meter: str
    usual_step_us: int
    """The median time from row to row."""
    accepted: int
    refusals: tuple[Refusal, ...]
    register_epochs: int
    directions: Mapping[Direction, DirectionReplay]
    intervals: Intervals
    open_interval: OpenInterval | None
    events: tuple[Event, ...]

    @property
    def law_holds(self) -> bool:
        return all(one.law_holds for one in self.directions.values())

    @property
    def not_booked(self) -> int:
        """Readings that the validate step refused; the first of a meter, which only waits for a second, is none."""
        return sum(refusal.readings for refusal in self.refusals)


@dataclass(frozen=True, slots=True)
class Replay:
    """A whole table replayed."""

    readings: Readings
    terms: Terms
    meters: tuple[MeterReplay, ...]

    @property
    def law_holds(self) -> bool:
        return all(meter.law_holds for meter in self.meters)

    @property
    def is_whole(self) -> bool:
        """Whether every row of the table was booked."""
        return not self.readings.bad and not any(meter.not_booked for meter in self.meters)


def added(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum, key by key."""
    total: dict[str, int] = {}
    for one in several:
        for name, milliwh in one.items():
            total[name] = total.get(name, 0) + milliwh
    return total
