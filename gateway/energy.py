"""What the accumulator keeps and what it gives: directions, intervals, running totals. Types only, no reckoning.

All energy is int milliwatt-hours, all instants UTC microseconds. The mutable ones belong to one thread.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from drivers import EnergyRegister, RegisterSnapshot

from .uncertainty import Mark


class Direction(StrEnum):
    """Which way the energy flowed, as the service sees it."""

    IMPORT = "import"
    EXPORT = "export"


class Quality(StrEnum):
    """How an interval's edges are known."""

    MEASURED = "measured"
    """Both edges were read within nine seconds."""
    ESTIMATED = "estimated"
    """An edge lies in a gap between readings: split by time."""
    REPEATED = "repeated"
    """The wall clock was set back: it showed some of this time more than once, and what flowed each time is in it."""
    CORRECTED = "corrected"
    """A gap's energy, distributed by what the meter itself recorded of it."""
    INCOMPLETE = "incomplete"
    """Registers began anew inside: what flowed between the two epochs is not in any register we have.
    Or a direction was lost or found inside.
    """


class Opening(StrEnum):
    """What a meter's account in this store began with."""

    FIRST = "first"
    """Its own first register: nothing is known to have been before."""
    CARRIED = "carried"
    """The lifetime counters of an earlier store, or of an earlier epoch of this one."""
    UNKNOWN = "unknown"
    """There was an account before, and no witness of it is left: counters begin at this store's first register."""


class Part(msgspec.Struct, frozen=True):
    """One direction of one interval, milliwatt-hours. `unassigned` is the share that is not in its bucket."""

    milliwh: int
    unassigned_milliwh: int
    uncertain_milliwh: int
    register_milliwh: int


class Interval(msgspec.Struct, frozen=True):
    """A stretch of time in one bucket: [start_us, end_us) UTC. A direction that the meter lacks is None."""

    start_us: int
    end_us: int
    bucket: str
    tariff_version: str
    register_epoch: int
    quality: Quality
    energy_import: Part | None
    energy_export: Part | None
    again: bool = False
    """Not a record of its own: what flowed when the clock showed this time again, for a new revision of it."""
    repeated: bool = False
    """Some of its time has been shown before: it may carry more than its length tells. Known until it is written."""

    def as_written(self) -> "Interval":
        """What a record says of it."""
        return msgspec.structs.replace(self, again=False, repeated=False)

    def part(self, direction: Direction) -> Part | None:
        """The part of one direction."""
        return self.energy_import if direction is Direction.IMPORT else self.energy_export


class OpenPart(msgspec.Struct, frozen=True):
    """One direction of an interval that is not closed yet, milliwatt-hours."""

    milliwh: int
    unassigned_milliwh: int
    uncertain_milliwh: int
    lacked: bool = False
    """The meter had lost this direction before the interval began."""


class Unread(msgspec.Struct, frozen=True, array_like=True):
    """What a gap over bucket edges, from the first to the last of them, has added to each bucket's uncertain."""

    first_us: int
    last_us: int
    told_milliwh: dict[str, int]


class ToldOnce(msgspec.Struct, frozen=True):
    """The largest doubt that was told of what can have happened once only, milliwatt-hours: by bucket, and of the
    interval that was open then."""

    buckets_milliwh: dict[str, int] = {}
    interval_start_us: int = 0
    interval_milliwh: int = 0

    def more_in_bucket(self, bucket: str, milliwh: int) -> int:
        """How much of a doubt is more than that bucket was told."""
        return max(milliwh - self.buckets_milliwh.get(bucket, 0), 0)

    def more_in_interval(self, start_us: int, milliwh: int) -> int:
        """The same of the interval that begins then."""
        return max(milliwh - self.interval_milliwh, 0) if start_us == self.interval_start_us else milliwh

    def with_told(self, buckets_milliwh: Mapping[str, int], start_us: int, milliwh: int) -> "ToldOnce":
        """This, and a doubt that is told now."""
        most = {one: max(each, self.buckets_milliwh.get(one, 0)) for one, each in buckets_milliwh.items()}
        told_milliwh = self.interval_milliwh if start_us == self.interval_start_us else 0
        return ToldOnce({**self.buckets_milliwh, **most}, start_us, max(milliwh, told_milliwh))


NOTHING_TOLD = ToldOnce()


class DirectionState(msgspec.Struct):
    """The running account of one direction. `totals` and `uncertain` are per bucket, over all register epochs."""

    epoch_first_milliwh: int
    last_milliwh: int
    earlier_epochs_milliwh: int
    totals_milliwh: dict[str, int]
    uncertain_milliwh: dict[str, int]
    marks: list[Mark]
    proven: bool
    interval_first_milliwh: int
    interval_extra_milliwh: int = 0
    interval_unassigned_milliwh: int = 0
    interval_uncertain_milliwh: int = 0
    closed_us: int | None = None
    """The last instant at which the meter had this direction, once it has it no more."""
    closed_epoch: int = 0
    """The register epoch that its registers belong to, once it is closed."""
    closed_unplaced: bool = False
    """The clock was set back over a restart since it is closed, unseen: nobody knows how long that is."""
    parked: OpenPart | None = None
    """While time repeats: what the interval has that was open when the clock was set back."""
    unread: list[Unread] = []
    """The last gaps over bucket edges, for a correction of them; see `unread`."""
    told_once: ToldOnce | None = None
    """What was told of the register as one that may have been reset, the last time that it was."""

    @property
    def present(self) -> bool:
        return self.closed_us is None

    def counts_since(self, start_us: int) -> bool:
        """Whether the meter had this direction at any time since `start_us`."""
        return self.closed_us is None or self.closed_us >= start_us

    @property
    def interval_milliwh(self) -> int:
        """What the open interval has of it."""
        return self.last_milliwh - self.interval_first_milliwh + self.interval_extra_milliwh

    def begin_interval(self, register_milliwh: int) -> None:
        """Count the open interval from this register on."""
        self.interval_first_milliwh = register_milliwh
        self.interval_extra_milliwh = self.interval_unassigned_milliwh = self.interval_uncertain_milliwh = 0

    def add(self, bucket: str, milliwh: int) -> None:
        self.totals_milliwh[bucket] = self.totals_milliwh.get(bucket, 0) + milliwh

    def doubt(self, bucket: str, milliwh: int) -> None:
        self.uncertain_milliwh[bucket] = self.uncertain_milliwh.get(bucket, 0) + milliwh

    @property
    def law_holds(self) -> bool:
        expected = self.earlier_epochs_milliwh + self.last_milliwh - self.epoch_first_milliwh
        return sum(self.totals_milliwh.values()) == expected


class EdgeShare(msgspec.Struct):
    """One direction at one edge that no reading has confirmed yet: what was booked, and the marks around it."""

    booked_milliwh: int
    milliwh: int
    unassigned_milliwh: int
    uncertain_milliwh: int
    before: Mark | None
    containing: list[Mark]


class PendingEdge(msgspec.Struct):
    """An edge whose interval waits for a reading from after it."""

    edge_us: int
    start_us: int
    bucket: str
    next_bucket: str
    tariff_version: str
    register_epoch: int
    incomplete: bool
    shares: dict[Direction, EdgeShare]
    estimated: bool = False
    """A register stood still in it although power flowed: its edges are not known by being read."""
    repeated: bool = False
    again: bool = False


class EdgeAtRisk(msgspec.Struct, omit_defaults=True):
    """A bucket edge that was passed by a clock that may have been wrong, or `count` alike. See `step_doubt`."""

    edge_us: int
    before: str
    after: str
    net_us: int = 0
    told_us: int = 0
    settled: bool = False
    count: int = 1


class AccumulatorState(msgspec.Struct):
    """All that must survive a restart. Instants are UTC microseconds."""

    register_epoch: int = 0
    instant_us: int = 0
    interval_start_us: int = 0
    incomplete: bool = False
    estimated: bool = False
    directions: dict[Direction, DirectionState] = {}
    carried_milliwh: dict[Direction, int] = {}
    pending: list[PendingEdge] = []
    begun_unread: list[Direction] = []
    """Which register was not read within nine seconds of the edge that closed last: the next interval begins there."""
    repeated: bool = False
    """Some of the open interval's time has been shown before."""
    frontier_us: int = 0
    """While time repeats that closed intervals have had: where they end, and the parked interval goes on. Else 0."""
    frontier_incomplete: bool = False
    frontier_step_us: int = 0
    """How far the clock was set since those intervals closed, below 0."""
    again: list[Interval] = []
    """What has flowed in closed intervals whose time was shown again, until their new revisions are written."""
    at_risk: list[EdgeAtRisk] = []
    at_risk_before: list[EdgeAtRisk] = []
    """The older ones, counted by what is alike in them."""
    set_us: int = 0
    """When the wall clock was last set."""
    zone_rules: str = ""
    """The rules of local time by which its edges were found; see `zone_rules`."""
    began_us: int = 0
    """When the account began, by the clock that holds now."""
    opening: Opening = Opening.FIRST
    bridge: bool = False
    """A store epoch has begun since the last booking: what has flowed since is in no bucket. See `bridge`."""


def registers_of(snapshot: RegisterSnapshot) -> dict[Direction, EnergyRegister]:
    """The energy registers that a snapshot has."""
    both = {Direction.IMPORT: snapshot.energy_import, Direction.EXPORT: snapshot.energy_export}
    return {direction: register for direction, register in both.items() if register is not None}
