"""Where what is decided of one meter is written down: in the account and in the journal at once, for one commit.

A reading on the old line, the first of an epoch, an exchange that the operator states, a correction by a load profile.
Decides nothing, remembers nothing of its own: the account is the accumulator's, numbers are the journal's. No clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial

from ..buckets.correct import Correction, correct
from ..buckets.doubts import of_absence, to_tell_anew, told_anew
from ..decision import Class, Doubt, NewEpoch, Reason, Rule
from ..energy import Direction, Interval
from ..ledger.records import Batch, EpochRow, ReadingRow, Record, StoredMeter
from ..reading.load_profile import NOT_CLOSED, Disagreement, ProfileEntry
from ..reading.read import Reading
from ..registers.exchange import Exchanged, Restated, Statement
from ..registers.returned import missing_milliwh
from ..registers.stated import Moment
from ..timeline import Timeline
from . import jumps
from .acts import RecordedAccumulator
from .clock_watch import follow_clock
from .journal import Journal
from .tidings import Teller, Tidings


class Booking:
    """Of one meter."""

    def __init__(
        self,
        stored: StoredMeter,
        timeline: Timeline,
        accumulator: RecordedAccumulator,
        journal: Journal,
        tidings: Tidings,
        teller: Teller,
    ) -> None:
        """`teller`: who writes events down."""
        self._meter_id, self._beginning, self._timeline = stored.meter_id, stored.beginning, timeline
        self._accumulator, self._journal, self._tidings = accumulator, journal, tidings
        self._teller = teller

    def reading(
        self,
        previous: Reading | None,
        reading: Reading,
        doubts: Sequence[Doubt],
        batch: Batch,
        estimated: bool,
        held: Reading | None,
        steps_us: Sequence[int] = (),
    ) -> list[Interval]:
        """Book a reading on the old line. Returns what closed. `held`: the newest since `previous`, not booked;
        `steps_us`: how the clock was set meanwhile, where it is told step by step."""
        closed = self._follow_clock(previous, reading, batch, True, held, steps_us)
        self._tidings.gap(previous, reading, batch)
        self._cross_bridge(reading, batch, counts_on=True)
        return self.book(reading, doubts, closed, batch, estimated)

    def epoch(
        self,
        decision: NewEpoch,
        previous: Reading | None,
        held: Reading | None,
        batch: Batch,
        steps_us: Sequence[int] = (),
        row_steps_us: Sequence[int] = (),
    ) -> list[Interval]:
        """Open a register epoch, and book its newest reading. Returns what closed. `steps_us`: before its first;
        `row_steps_us`: from there to its newest."""
        batch.epochs.append(
            EpochRow(self._meter_id, decision.register_epoch, decision.reason.value, decision.previous, decision.first)
        )
        closed = self._follow_clock(previous, decision.first, batch, False, held, steps_us)
        self._cross_bridge(decision.first, batch, counts_on=False)
        counted_milliwh = self._accumulator.counted_milliwh
        absent = of_absence(self._accumulator.state, decision.first, self._accumulator.limit_milliw)
        closed += self._accumulator.start_epoch(decision.register_epoch, decision.first)
        doubts = [*decision.doubts, *absent, *self._restore(decision, counted_milliwh)]
        closed += self._follow_clock(decision.first, decision.reading, batch, True, decision.seen, row_steps_us)
        closed = self.book(decision.reading, doubts, closed, batch)
        kind, detail = jumps.epoch(decision)
        self._teller.tell(kind, decision.first.latest_us, detail, batch)
        return closed

    def exchange(self, outcome: Exchanged, batch: Batch) -> None:
        """An exchange that ends the open epoch."""
        closing, opening = outcome.closing, outcome.opening
        epoch, had = outcome.state.register_epoch, self._accumulator.present
        closed = self.book(closing, outcome.doubts, [], batch)
        self._tidings.gap(outcome.previous, replace(closing, earliest_us=closing.latest_us), batch)
        self.write_reading("stated: closing", closing, batch)
        closed += self._accumulator.start_epoch(epoch, opening)
        self.write_reading("stated: opening", opening, batch)
        batch.epochs.append(EpochRow(self._meter_id, epoch, Reason.STATED.value, closing, opening))
        stated = (Class.METER_REPLACED, Rule.OPERATOR_SAYS_SO)
        kind, detail = jumps.epoch(NewEpoch(Reason.STATED, epoch, closing, opening, opening, *stated))
        self._teller.tell(kind, opening.latest_us, detail, batch)
        self._tidings.directions(had, self._accumulator.state, closing, opening, batch)
        self.write_intervals(closed, batch)

    def afterwards(self, outcome: Restated, statement: Statement, moment: Moment, batch: Batch) -> None:
        """An exchange that was noticed before it is stated."""
        opened = outcome.opened
        bucket = self._accumulator.restate(outcome, self._timeline.calendar)
        if outcome.doubts:
            to_us = min(self._timeline.next_edge_us(opened.first.latest_us), self._accumulator.state.instant_us)
            self._leave_open(outcome.doubts, to_us, [], batch)
        self.write_reading("stated: afterwards", opened.first, batch)
        kind, detail = jumps.exchange(statement.exchange, outcome.state.register_epoch, opened, bucket)
        self._teller.tell(kind, moment.wall_us, detail, batch)

    def correct(
        self,
        direction: Direction,
        stretch_us: tuple[int, int],
        entries: Sequence[ProfileEntry],
        resolution_milliwh: int,
        batch: Batch,
        shift_milliwh: int,
        last: Reading | None,
    ) -> bool:
        """Tell the closed intervals of a stretch anew by the meter's load profile; see `Books.correct`."""
        from_us, to_us = stretch_us
        closed = self._journal.find_stretch(from_us, to_us, self._timeline, batch)
        words = [one.interval for one in closed]
        found: Correction | Disagreement = NOT_CLOSED
        if words:
            found = correct(words[0], words[1:], direction, entries, resolution_milliwh, shift_milliwh)
        detail: Record = {"direction": direction.value, "from_utc_us": from_us, "to_utc_us": to_us}
        if isinstance(found, Disagreement):
            self._teller.tell("profile_refused", to_us, {**detail, **asdict(found)}, batch)
            return False
        self._accumulator.move(direction, found.gains_milliwh, found.doubts_milliwh, stretch_us)
        if last is not None:
            self.write_reading("corrected", last, batch)
        for old, interval in zip(closed[1:], found.intervals, strict=True):
            self._journal.write_interval(interval, self._timeline.calendar.tariff_id, batch, old)
        self._teller.tell("corrected", to_us, {**detail, "intervals": len(found.intervals)}, batch)
        return True

    def book(
        self, reading: Reading, doubts: Sequence[Doubt], closed: list[Interval], batch: Batch, estimated: bool = False
    ) -> list[Interval]:
        """Book a reading, and tell what its decision leaves open. Returns `closed`, by that decision, and what closed
        by the reading, told so."""
        state, from_us = self._accumulator.state, self._accumulator.state.instant_us
        ahead_us = state.frontier_us, state.frontier_step_us
        doubts = (*doubts, *of_absence(state, reading, self._accumulator.limit_milliw))
        closed = [*closed, *self._accumulator.add(reading, estimated)]
        return self._leave_open(doubts, from_us, closed, batch, ahead_us) if doubts else closed

    def write_reading(self, decision: str, reading: Reading, batch: Batch) -> None:
        """A reading, what was decided of it, and what was done to the account by it."""
        acts, epoch = self._accumulator.take_acts(decision, reading), self._accumulator.state.register_epoch
        batch.readings.append(ReadingRow(self._meter_id, epoch, decision, reading, acts))

    def write_intervals(self, closed: Sequence[Interval], batch: Batch) -> None:
        """Intervals that have closed, each for the first time."""
        for interval in closed:
            self._journal.write_interval(interval, self._timeline.calendar.tariff_id, batch)

    def write_again(self, batch: Batch) -> None:
        """The revisions of intervals whose time was shown again."""
        again, tariff = self._accumulator.state.again, self._timeline.calendar.tariff_id
        self._journal.write_again(again, tariff, self._accumulator.limit_milliw, batch)

    def tell_left_out(self, at_us: int, batch: Batch) -> None:
        """That a time was too long to be told interval by interval, if one was."""
        left_out, self._accumulator.left_out = self._accumulator.left_out, None
        self._tidings.left_out(left_out, at_us, batch)

    def _follow_clock(
        self,
        previous: Reading | None,
        reading: Reading,
        batch: Batch,
        counts_on: bool,
        held: Reading | None = None,
        steps_us: Sequence[int] = (),
    ) -> list[Interval]:
        """Before `reading` is booked: do and tell what it says of the clock. Returns what closed by that."""
        closed: list[Interval] = []
        for news in follow_clock(self._accumulator, previous, reading, counts_on, held, steps_us):
            self._teller.tell("clock_step", reading.latest_us, news.detail, batch)
            closed += news.closed
        return closed

    def _cross_bridge(self, reading: Reading, batch: Batch, counts_on: bool) -> None:
        """Before the first booking of a store epoch that goes on from another: what flowed meanwhile has no bucket."""
        detail = self._accumulator.bridge(reading, counts_on)
        if detail is not None:
            self._teller.tell("store_epoch", reading.latest_us, {**self._beginning, **detail}, batch)

    def _leave_open(
        self,
        doubts: Sequence[Doubt],
        from_us: int,
        closed: list[Interval],
        batch: Batch,
        ahead_us: tuple[int, int] = (0, 0),
    ) -> list[Interval]:
        """Tell what is open of what was booked from `from_us` on, and before that, in new words on closed intervals.

        `ahead_us`: until when an earlier clock had closed some, how far it was set since. Returns `closed`, told so.
        """
        for since_us, to_us, step_us in to_tell_anew(doubts, from_us, *ahead_us):
            limit_milliw = self._accumulator.limit_milliw
            new_word = partial(told_anew, limit_milliw=limit_milliw, doubts=doubts, step_us=step_us)
            self._journal.tell_anew(since_us, to_us, self._timeline, batch, new_word)
        return self._accumulator.leave_open(doubts, from_us, closed, ahead_us)

    def _restore(self, decision: NewEpoch, counted_milliwh: Mapping[Direction, int]) -> list[Doubt]:
        """Where the line before the last goes on: book what that has counted meanwhile and nobody else."""
        if decision.returned_from is None or decision.previous is None:
            return []
        missing = missing_milliwh(decision.returned_from, decision.first, counted_milliwh)
        more = {direction: milliwh for direction, milliwh in missing.items() if milliwh > 0}
        from_us, to_us = decision.returned_from.earliest_us, decision.first.latest_us
        self._accumulator.restore(from_us, to_us, more, self._timeline.calendar)
        return [Doubt(direction, 0, -milliwh, from_us) for direction, milliwh in missing.items() if milliwh < 0]
