"""After an outage over an edge the meter's own load profile is read, and serves as weights (DESIGN 5).

Notices the outage by the readings that a line delivers, waits until the edges around it are closed, reads the missing
range between two live readings and far from an edge, and hands it to the ledger thread, which corrects or refuses.
Meter time is corrected by what was measured of the meter's clock; what that leaves open is told as uncertain.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction

from drivers import DriverError
from drivers.iec62056.load_profile import IntervalEnergy, ProfileBlock, interval_energies
from drivers.iec62056.meter import OpticalMeter
from drivers.iec62056.meter_clock import meter_time
from drivers.iec62056.meter_stamp import MeterStamp, Season
from drivers.meter_time import ClockZone

from ..clock import Clock
from ..clock_steps import drift_us
from ..energy import Direction
from ..ledger.records import Record
from ..log import event_line, logger
from ..timeline import Timeline
from .load_profile import ProfileEntry, Told
from .meter_clock import utc_of
from .meter_witness import MeterWitness
from .read import Reading

LINES_A_SESSION = 96
"""A day of quarters; live readings come between two sessions."""
SESSION_US = 6_000_000
LINE_CHARACTERS = 40
TRIES = 5
LONGEST_US = 40 * 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_C = {Direction.IMPORT: "1", Direction.EXPORT: "2"}


@dataclass(frozen=True, slots=True)
class Offset:
    """The meter's clock less ours, and how far that can be wrong. Microseconds."""

    offset_us: int
    within_us: int


@dataclass(slots=True)
class _Missing:
    """The edges around an outage, and what was read of it so far."""

    from_us: int
    to_us: int
    blocks: list[ProfileBlock] = field(default_factory=list)
    next_us: int = 0
    heard_after: int = 0
    tries: int = 0


class Backfill:
    """One meter's. `hear` is called in the line's thread after each reading was handed on."""

    def __init__(
        self,
        meter: OpticalMeter,
        witness: MeterWitness,
        timeline: Timeline,
        clock: Clock,
        *,
        gap_us: int,
        limit_milliw: int,
        swap_direction: bool,
        post: Callable[[Sequence[Told]], None],
        tell: Callable[[str, Record], None],
        last: Reading | None = None,
    ) -> None:
        """`last`: the last reading of an earlier run. `gap_us`: a longer silence is an outage."""
        self._meter, self._witness, self._timeline, self._clock = meter, witness, timeline, clock
        self._gap_us, self._limit_milliw, self._swap_direction = gap_us, limit_milliw, swap_direction
        self._post, self._tell = post, tell
        self._last_us = None if last is None else last.latest_us
        self._missing: _Missing | None = None

    def hear(self, reading: Reading) -> None:
        """A reading was handed on: is it the first after an outage, and is there time to read of one?"""
        last_us, self._last_us = self._last_us, reading.latest_us
        if last_us is not None and reading.earliest_us - last_us > self._gap_us:
            self._note(last_us, reading.earliest_us)
        missing = self._missing
        if missing is None or reading.earliest_us < missing.to_us + self._timeline.interval_us // 8:
            return
        missing.heard_after += 1
        if missing.heard_after >= 2 and self._has_room(missing):
            self._read(missing)

    def _note(self, last_us: int, first_us: int) -> None:
        """An outage; one over no edge costs nothing."""
        if self._timeline.next_edge_us(last_us) > first_us or first_us - last_us > LONGEST_US:
            return
        from_us, to_us = self._timeline.edge_at_or_before_us(last_us), self._timeline.next_edge_us(first_us)
        if self._missing is not None:
            from_us = min(from_us, self._missing.from_us)
        self._missing = _Missing(from_us, to_us, next_us=from_us)

    def _has_room(self, missing: _Missing) -> bool:
        """Whether a session is over before the next edge wants its reading."""
        now_us = self._clock.wall_us()
        lines = min(LINES_A_SESSION, (missing.to_us - missing.next_us) // self._timeline.interval_us + 3)
        wire_us = lines * LINE_CHARACTERS * 10 * 1_000_000 // self._meter.baud_bd
        needed_us = (SESSION_US + wire_us + self._meter.takes_us) * self._clock.rate
        return bool(self._timeline.next_edge_us(now_us) - now_us > needed_us)

    def _read(self, missing: _Missing) -> None:
        """One session's worth of the profile; with the last of it the correction."""
        zone = self._meter.terms.clock_zone or ClockZone.LOCAL
        end_us = min(missing.next_us + LINES_A_SESSION * self._timeline.interval_us, missing.to_us)
        is_last = end_us == missing.to_us
        # One period more at either end: the meter's clock cuts elsewhere than ours.
        begin_us, until_us = missing.next_us - self._timeline.interval_us, end_us + self._timeline.interval_us
        try:
            begin, until = (stamp_at(at_us, self._timeline.calendar.zone, zone) for at_us in (begin_us, until_us))
            blocks = self._meter.read_profile(begin, until)
        except DriverError as error:
            self._fail(missing, str(error))
            return
        missing.blocks += blocks
        missing.next_us = end_us
        if is_last:
            self._conclude(missing, zone)

    def _conclude(self, missing: _Missing, zone: ClockZone) -> None:
        offset = self._offset(missing)
        try:
            told = [] if offset is None else [self._told(missing, one, zone, offset) for one in self._directions()]
        except DriverError as error:
            self._fail(missing, str(error))
            return
        whole = [one for one in told if one is not None]
        if offset is None or len(whole) < len(told):
            why = "the meter's clock is not known yet" if offset is None else "the profile does not reach over it"
            self._fail(missing, why)
            return
        self._missing = None
        self._post(whole)

    def _directions(self) -> tuple[Direction, ...]:
        return tuple(Direction)

    def _told(self, missing: _Missing, direction: Direction, zone: ClockZone, offset: Offset) -> Told | None:
        c = _C[direction]
        if self._swap_direction:
            c = _C[Direction.EXPORT if direction is Direction.IMPORT else Direction.IMPORT]
        stamp_at_end = self._meter.terms.load_profile
        assert stamp_at_end is not None
        energies = interval_energies(missing.blocks, c, stamp_at=stamp_at_end.stamp_at)
        nominal = entries_of(energies, zone, self._timeline.calendar.zone, self._meter.ratio)
        if not nominal:
            return None
        entries = recut(nominal, offset, missing.from_us, missing.to_us)
        if not entries or entries[0].start_us != missing.from_us or entries[-1].end_us != missing.to_us:
            return None
        off_us = offset.within_us + (abs(offset.offset_us) if abs(offset.offset_us) > offset.within_us else 0)
        most = -(-self._limit_milliw * off_us // 3_600_000_000)
        resolution = max(one.resolution_milliwh for one in energies)
        resolution = -(-resolution * self._meter.ratio.numerator // self._meter.ratio.denominator)
        shift = min(most, max(one.milliwh for one in entries) + resolution)
        return Told(direction, missing.from_us, missing.to_us, entries, resolution, shift)

    def _offset(self, missing: _Missing) -> Offset | None:
        """The meter's clock in the middle of the outage, by what is known of it now."""
        word = self._witness.word
        offset_us, within_us, drift_ppb = (
            word[f"meter_clock_{one}"] for one in ("offset_us", "within_us", "drift_ppb")
        )
        if not isinstance(offset_us, int) or not isinstance(within_us, int):
            return None
        since_us = self._clock.wall_us() - (missing.from_us + missing.to_us) // 2
        if isinstance(drift_ppb, int):
            return Offset(offset_us - drift_ppb * since_us // 1_000_000_000, within_us)
        return Offset(offset_us, within_us + drift_us(since_us))

    def _fail(self, missing: _Missing, why: str) -> None:
        """Tried again with the readings that follow, some times."""
        missing.blocks, missing.next_us, missing.heard_after = [], missing.from_us, 0
        missing.tries += 1
        logger.info(event_line("profile_not_read", why=why, tries=missing.tries))
        if missing.tries >= TRIES:
            self._missing = None
            self._tell("profile_not_read", {"from_utc_us": missing.from_us, "to_utc_us": missing.to_us, "why": why})


def stamp_at(utc_us: int, zone: tzinfo, clock_zone: ClockZone) -> MeterStamp:
    """What a right clock of the meter's zone shows at an instant."""
    utc = _EPOCH + timedelta(microseconds=utc_us)
    if clock_zone is ClockZone.UTC:
        return MeterStamp(utc.replace(tzinfo=None), Season.UTC)
    local = utc.astimezone(zone)
    saving = local.dst() or timedelta(0)
    if clock_zone is ClockZone.STANDARD:
        return MeterStamp(local.replace(tzinfo=None) - saving, Season.WINTER)
    return MeterStamp(local.replace(tzinfo=None), Season.SUMMER if saving else Season.WINTER)


def entries_of(
    energies: Iterable[IntervalEnergy], clock_zone: ClockZone, zone: tzinfo, ratio: Fraction
) -> list[ProfileEntry]:
    """The profile in UTC by the meter's own clock, in order; what was read twice once, what has no sure time not."""
    found: dict[int, ProfileEntry] = {}
    for one in energies:
        start, end = (utc_of(meter_time(stamp, clock_zone), zone) for stamp in (one.start, one.end))
        if start is None or end is None or end - start != one.end.shown - one.start.shown:
            continue
        start_us, end_us = ((at - _EPOCH) // timedelta(microseconds=1) for at in (start, end))
        found[start_us] = ProfileEntry(start_us, end_us, one.milliwh * ratio.numerator // ratio.denominator)
    return [found[start_us] for start_us in sorted(found)]


def recut(nominal: Sequence[ProfileEntry], offset: Offset, from_us: int, to_us: int) -> tuple[ProfileEntry, ...]:
    """The same between two of our instants, moved by the meter's offset where that is surely not 0.

    A period that is cut gives each side its share in time. A hole stays a hole: nothing is made up for it.
    """
    moved_us = offset.offset_us if abs(offset.offset_us) > offset.within_us else 0
    cut: list[ProfileEntry] = []
    for one in nominal:
        start_us, end_us = max(one.start_us, from_us), min(one.end_us, to_us)
        if start_us >= end_us:
            continue
        shares = [share for share in (_share(other, start_us, end_us, moved_us) for other in nominal) if share]
        if sum(length_us for length_us, _ in shares) == end_us - start_us:
            cut.append(ProfileEntry(start_us, end_us, sum(milliwh for _, milliwh in shares)))
    return tuple(cut)


def _share(entry: ProfileEntry, start_us: int, end_us: int, moved_us: int) -> tuple[int, int] | None:
    """(how long, how much) of an entry, whose times are `moved_us` too late, lies in a stretch."""
    own_start_us, own_end_us = entry.start_us - moved_us, entry.end_us - moved_us
    low_us, high_us = max(own_start_us, start_us), min(own_end_us, end_us)
    if low_us >= high_us:
        return None
    length_us = own_end_us - own_start_us
    # As differences of whole sums, so that the parts of an entry add up to it.
    before = entry.milliwh * (low_us - own_start_us) // length_us
    return high_us - low_us, entry.milliwh * (high_us - own_start_us) // length_us - before
