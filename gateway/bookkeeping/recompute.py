"""Booking the stored readings again: what the account would be by this tariff, and where the records say otherwise.

Decisions are not taken anew: what was accepted, held or begun is in the store (`acts`), and only what was booked by it
is reckoned again. By the tariff that it was booked with the result is the ledger's, to the last bit, however much was
thinned. Reads slices from a `Past`, holds in memory only what differs. Writes nothing.
"""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..buckets.accumulate import Accumulator, Rules
from ..buckets.doubts import to_tell_anew, told_anew
from ..buckets.repeat import merged
from ..energy import AccumulatorState, Direction, Interval, Part, Quality
from ..kernels import Kernel
from ..kernels.kernel import KernelError
from ..ledger.past import Past
from ..ledger.readings import StoredReading
from ..ledger.records import ClosedInterval
from ..timeline import Timeline
from .acts import LeaveOpen, do_again
from .journal import MOST_TOLD_ANEW

SLICE_READINGS = 500
ENDS_A_LOOK = 1000

Tell = Callable[[int, int], None]
"""Takes how many readings are done, and of how many."""


class RecomputeError(Exception):
    """The stored readings cannot be booked again; the message says why."""


@dataclass(slots=True)
class Difference:
    """An interval's record that holds, and what it would be. None: there is no such record, or would be none."""

    stored: ClosedInterval | None
    interval: Interval | None


@dataclass(slots=True)
class MeterAgain:
    """One meter's account, booked again."""

    meter_id: int
    name: str
    timeline: Timeline
    accumulator: Accumulator
    after_id: int
    """Readings up to this one are in the base."""
    is_whole: bool
    """Whether it begins where the account began."""
    from_us: int
    differences: dict[int, Difference] = field(default_factory=dict)
    """By the instant at which the interval ends."""
    readings: int = 0
    intervals: int = 0
    corrections_left_out: int = 0
    ends_us: "array[int]" = field(default_factory=lambda: array("q"))
    _said: dict[int, Interval] = field(default_factory=dict)
    """Said since the last comparison."""

    @property
    def state(self) -> AccumulatorState:
        return self.accumulator.state

    def take(self, reading: StoredReading, past: Past) -> None:
        """Do again what a reading did."""
        if reading.reading_id <= self.after_id:
            return
        self.readings += 1
        done = do_again(self.accumulator, reading.acts, self.timeline.calendar, moves=True)
        self.corrections_left_out += done.moves_skipped
        for left in done.left_open:
            self._tell_anew(left, past)
        for interval in done.closed:
            self._say(interval)
        while self.state.again:
            addition = self.state.again.pop(0)
            self._say(merged(self._word(addition.end_us, past), addition, self.accumulator.limit_milliw))

    def compare(self, past: Past) -> None:
        """Hold what was said since the last time against the records."""
        words = past.words(self.meter_id, self._said)
        for end_us, interval in self._said.items():
            stored = words.get(end_us)
            corrected = stored is not None and stored.interval.quality is Quality.CORRECTED
            if corrected or (stored is not None and stored.interval == interval):
                self.differences.pop(end_us, None)
            else:
                self.differences[end_us] = Difference(stored, interval)
        self._said.clear()

    def find_gone(self, past: Past) -> None:
        """Records whose interval does not end there any more."""
        after_us = self.from_us
        while ends := past.ends_us(self.meter_id, after_us, ENDS_A_LOOK):
            missing = [end_us for end_us in ends if not self._has(end_us)]
            for end_us, stored in past.words(self.meter_id, missing).items():
                if stored.interval.start_us < end_us:  # one that was emptied before is gone already
                    self.differences[end_us] = Difference(stored, None)
            after_us = ends[-1]

    def _tell_anew(self, left: LeaveOpen, past: Past) -> None:
        """The new words on closed intervals in which a register stood, as `Journal.tell_anew` writes them."""
        limit_milliw = self.accumulator.limit_milliw
        for since_us, to_us, step_us in to_tell_anew(left.doubts, left.from_us, left.ahead_us, left.ahead_step_us):
            ends_us = self.ends_us[bisect_right(self.ends_us, since_us) : bisect_right(self.ends_us, to_us)]
            for end_us in ends_us[-MOST_TOLD_ANEW:]:
                interval = self._word(end_us, past)
                word = None if interval is None else told_anew(interval, limit_milliw, left.doubts, step_us)
                if word is not None:
                    self._say(word)

    def _say(self, interval: Interval) -> None:
        self._said[interval.end_us] = interval.as_written()
        if not self._has(interval.end_us):
            insort(self.ends_us, interval.end_us)
            self.intervals += 1

    def _has(self, end_us: int) -> bool:
        place = bisect_left(self.ends_us, end_us)
        return place < len(self.ends_us) and self.ends_us[place] == end_us

    def _word(self, end_us: int, past: Past) -> Interval | None:
        """What was said of the interval that ends there; None: nothing yet."""
        if end_us in self._said:
            return self._said[end_us]
        if end_us in self.differences:
            return self.differences[end_us].interval
        stored = past.words(self.meter_id, [end_us]).get(end_us) if self._has(end_us) else None
        return None if stored is None else stored.interval


def begin(meter_id: int, name: str, timeline: Timeline, kernel: Kernel, rules: Rules, past: Past) -> MeterAgain:
    """An account to be booked again from its base."""
    base = past.base(meter_id)
    state = AccumulatorState() if base is None else base.accumulator
    accumulator = Accumulator(state, timeline, kernel, rules)
    from_us = 0 if base is None else state.interval_start_us
    after_id = 0 if base is None else base.reading_id
    return MeterAgain(meter_id, name, timeline, accumulator, after_id, base is None, from_us)


class Again:
    """All meters of a store, booked again, slice by slice."""

    def __init__(self, meters: Mapping[int, MeterAgain], past: Past) -> None:
        """`meters`: by the store's number; readings of others are passed over."""
        self.meters = meters
        self.done_id = 0
        self._past = past

    def catch_up(self, tell: Tell | None = None, past: Past | None = None) -> None:
        """Book all stored readings that were not booked yet. Raises RecomputeError, and what `Past` raises."""
        past = past or self._past
        newest_id = past.newest_id()
        while readings := past.readings(self.done_id, SLICE_READINGS):
            for reading in readings:
                meter = self.meters.get(reading.meter_id)
                if meter is not None:
                    self._take(meter, reading, past)
            self.done_id = readings[-1].reading_id
            for meter in self.meters.values():
                meter.compare(past)
            if tell is not None:
                tell(self.done_id, max(newest_id, self.done_id))

    def _take(self, meter: MeterAgain, reading: StoredReading, past: Past) -> None:
        try:
            meter.take(reading, past)
        except (ValueError, KeyError, KernelError) as error:
            raise RecomputeError(
                f"meter {meter.name}: reading {reading.reading_id} does not follow on those before it ({error}):"
                " readings are missing in the store, or were changed"
            ) from error


def is_same(one: AccumulatorState, other: AccumulatorState) -> bool:
    """Whether two accounts are the same to the last key; the rules of local time are not of the account."""
    return _plain(one) == _plain(other)


def _plain(state: AccumulatorState) -> dict[str, Any]:
    """An account as comparable values; a bucket that has nothing is as one that is not there."""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(state, zone_rules=""))
    for account in plain["directions"].values():
        for name in ("totals_milliwh", "uncertain_milliwh"):
            account[name] = {bucket: milliwh for bucket, milliwh in account[name].items() if milliwh}
    return plain


def with_buckets_of(state: AccumulatorState, old: AccumulatorState) -> None:
    """Let the account have all buckets of the old one, at nothing: a counter may fall, but not vanish."""
    for direction, account in state.directions.items():
        if direction in old.directions:
            for bucket in old.directions[direction].totals_milliwh:
                account.totals_milliwh.setdefault(bucket, 0)


def emptied(interval: Interval) -> Interval:
    """The revision of an interval that is none any more: its energy is told by others."""
    parts = (interval.energy_import, interval.energy_export)
    energy_import, energy_export = (None if one is None else Part(0, 0, 0, one.register_milliwh) for one in parts)
    return msgspec.structs.replace(
        interval,
        start_us=interval.end_us,
        quality=Quality.INCOMPLETE,
        energy_import=energy_import,
        energy_export=energy_export,
    )


def totals_milliwh(state: AccumulatorState) -> dict[tuple[Direction, str], tuple[int, int]]:
    """(direction, bucket) -> booked and uncertain."""
    return {
        (direction, bucket): (account.totals_milliwh.get(bucket, 0), account.uncertain_milliwh.get(bucket, 0))
        for direction, account in state.directions.items()
        for bucket in sorted(account.totals_milliwh.keys() | account.uncertain_milliwh.keys())
    }
