"""What goes into the store and comes out of it, as frozen types: no SQL, no reckoning."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..bookkeeping.acts import Act
from ..energy import AccumulatorState, Interval, Part
from ..reading.read import Reading
from ..registers.validate import ValidatorState

Record = dict[str, int | str | None]


class NotReadableError(Exception):
    """The store cannot be read now. What was asked for may be there."""


@dataclass(frozen=True, slots=True)
class ClosedInterval:
    """An interval record that is written. `revision` 0 is the first word."""

    seq: int
    revision: int
    interval: Interval


def nothing_closed(_end_us: int) -> ClosedInterval | None:
    """`StoredMeter.find_closed` of books that have no store."""
    return None


@dataclass(frozen=True, slots=True)
class StoredMeter:
    """A meter as the store knows it. `interval_seq`, `event_seq`: the newest given out; 0 before the first."""

    meter_id: int
    name: str
    validator: ValidatorState
    accumulator: AccumulatorState
    interval_seq: int
    event_seq: int
    chain_head: str
    find_closed: Callable[[int], ClosedInterval | None]
    """The newest record that ends at an instant (UTC microseconds). Raises NotReadableError."""
    held: tuple[Reading, ...] = ()
    """Readings that wait for the time of day, oldest first."""
    beginning: Record = field(default_factory=dict)
    """How the store epoch began, for who is told of it."""


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading and what was decided about it."""

    meter_id: int
    register_epoch: int
    decision: str
    reading: Reading
    acts: tuple[Act, ...] = ()
    """What was done to the account by it, where that is anything but booking it as the meter showed it."""


@dataclass(frozen=True, slots=True)
class EpochRow:
    """A register epoch's opening: the first registers of the new and the last of the old, milliwatt-hours."""

    meter_id: int
    register_epoch: int
    reason: str
    previous: Reading | None
    first: Reading


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A closed interval with its place in the chain. `revision` 0 is the first word, a higher one supersedes."""

    meter_id: int
    seq: int
    revision: int
    supersedes: int | None
    tariff: str
    interval: Interval
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something worth telling. `detail` is flat: integers and strings."""

    meter_id: int
    seq: int
    at_us: int
    kind: str
    detail: Record


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message on its way to the broker, exactly as it will be sent, every time it is sent."""

    outbox_id: int
    meter: str
    kind: str
    seq: int
    payload: str


@dataclass(slots=True)
class Batch:
    """All that one transaction writes."""

    readings: list[ReadingRow] = field(default_factory=list)
    epochs: list[EpochRow] = field(default_factory=list)
    intervals: list[IntervalRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    outbox: list[tuple[int, OutboxRow]] = field(default_factory=list)
    """(meter_id, row) pairs."""
    held: list[tuple[int, Reading]] = field(default_factory=list)
    """(meter_id, reading) pairs that wait for the time of day."""
    released: set[int] = field(default_factory=set)
    """Meters whose waiting readings, those in the store and those above, have been placed."""
    acknowledged: list[int] = field(default_factory=list)
    """Outbox ids that the broker has taken."""
    states: dict[int, tuple[ValidatorState, AccumulatorState]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    """What consumers have said of themselves, by key: lines of `meta`."""
    rebase: bool = False
    """Readings are missing among those above: what these states are is booked again from here on only."""

    @property
    def is_empty(self) -> bool:
        rows = self.readings or self.epochs or self.intervals or self.events or self.held or self.states
        return not (rows or self.released or self.acknowledged or self.words)


def part_record(direction: str, part: Part | None) -> Record:
    """The columns of one direction of an interval; all None where the meter does not have it."""
    return {
        f"{direction}_milliwh": None if part is None else part.milliwh,
        f"{direction}_unassigned_milliwh": None if part is None else part.unassigned_milliwh,
        f"{direction}_uncertain_milliwh": None if part is None else part.uncertain_milliwh,
        f"{direction}_register_milliwh": None if part is None else part.register_milliwh,
    }


def interval_record(
    gateway: str,
    meter: str,
    store_epoch: str,
    seq: int,
    interval: Interval,
    tariff: str,
    revision: int = 0,
    supersedes: int | None = None,
) -> Record:
    """The canonical content of an interval record: what the chain hashes and the message carries."""
    return {
        "schema": 1,
        "gateway": gateway,
        "meter": meter,
        "store_epoch": store_epoch,
        "seq": seq,
        "revision": revision,
        "supersedes": supersedes,
        "register_epoch": interval.register_epoch,
        "start_utc_us": interval.start_us,
        "end_utc_us": interval.end_us,
        "bucket": interval.bucket,
        "tariff": tariff,
        "tariff_version": interval.tariff_version,
        "quality": interval.quality.value,
        **part_record("import", interval.energy_import),
        **part_record("export", interval.energy_export),
    }
