"""One meter's books: validate, accumulate, and turn what came of it into rows for one commit.

No thread, no clock, no SQL, no MQTT: a reading in, rows out. Sequence numbers are given out here, gapless per
meter: intervals in one series, events in another. The rows and the state belong together in one transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial

from . import jumps
from .accumulate import Rules
from .acts import RecordedAccumulator
from .clock import ClockState
from .clock_watch import follow_clock
from .config.types import MeterSection
from .correct import Correction, correct
from .decision import (
    Accepted,
    Basis,
    Booked,
    Class,
    Decision,
    Doubt,
    Limits,
    NewEpoch,
    Quarantined,
    Reason,
    Rejected,
    Rollover,
    Rule,
    Waiting,
)
from .doubts import of_absence, to_tell_anew, told_anew
from .energy import AccumulatorState, Direction, Interval
from .exchange import Exchanged, Moment, Outcome, Restated, Statement, judge
from .hold import Held
from .journal import Journal, Origin, OutboxIds
from .kernels import Kernel
from .ledger.past import Past
from .ledger.records import Batch, EpochRow, ReadingRow, Record, StoredMeter
from .load_profile import NOT_CLOSED, Disagreement, ProfileEntry
from .meter_witness import NOT_KNOWN, MeterWitness
from .placed import seen_since
from .publish.message import state_record
from .read import Reading
from .recompute import MeterAgain, begin, emptied, with_buckets_of
from .returned import missing_milliwh
from .tariff_counters import CrossCheck, TariffCounter
from .tidings import Counters, Tidings
from .timeline import Calendar, Timeline
from .validate import validate


class Books:
    """The books of one meter. `take` is the only way in; `batch` collects until somebody commits it."""

    def __init__(
        self,
        stored: StoredMeter,
        origin: Origin,
        section: MeterSection,
        timeline: Timeline,
        kernel: Kernel,
        rules: Rules,
        outbox_ids: OutboxIds,
        gap_us: int,
        basis: Basis | None = None,
        counters: Sequence[TariffCounter] = (),
    ) -> None:
        """`gap_us`: an accepted reading this long after the one before is told as a gap. `basis`: the profile's."""
        self.section, self.origin = section, origin
        self.counters = Counters()
        self.last_decision: str = ""
        self.latest: Reading | None = None
        """The last reading accepted in this run; None until then, and no state goes out before."""
        self._stored, self._timeline = stored, timeline
        self._limits = Limits(limit_milliw=section.limit_milliw, basis=basis)
        self._validator = stored.validator
        self._accumulator = RecordedAccumulator(stored.accumulator, timeline, kernel, rules)
        self._kernel, self._rules = kernel, rules
        self._journal = Journal(stored, origin, section.name, outbox_ids)
        self._tidings = Tidings(self._journal, self._validator, timeline, gap_us)
        self._cross_check = CrossCheck(counters, section.limit_milliw)
        self._held = Held(stored.held)
        self._bucket_of: tuple[Reading | None, str] = None, ""
        self.witness: MeterWitness | None = None
        """Of the meter's own clock, where that is heard beside ours."""
        self.pace: Callable[[], Record] = dict
        """How often the meter can be read, for `state`: of an optical port; nothing of others."""
        self._notes: list[str] = []
        """Learnt of the meter's map, to be told once the time of day is known."""

    @property
    def register_epoch(self) -> int:
        return self._accumulator.state.register_epoch

    @property
    def last_accepted(self) -> Reading | None:
        """The last accepted reading, of an earlier run too."""
        return self._validator.last

    @property
    def account(self) -> AccumulatorState:
        """The running account."""
        return self._accumulator.state

    def begin_again(self, calendar: Calendar, past: Past) -> MeterAgain:
        """This account, to be booked again from the store by a tariff."""
        timeline = Timeline(calendar, self._timeline.interval_us // 60_000_000, self._timeline.first_credible_us)
        return begin(self._stored.meter_id, self.section.name, timeline, self._kernel, self._rules, past)

    def adopt(self, found: MeterAgain, batch: Batch) -> None:
        """Make the account what booking it again has found: each record that differs gets its next revision."""
        with_buckets_of(found.state, self._accumulator.state)
        found.state.zone_rules = self._accumulator.state.zone_rules
        self._accumulator.state = found.state
        tariff = self._timeline.calendar.tariff_id
        for _, one in sorted(found.differences.items()):
            if one.interval is not None:
                self._journal.write_interval(one.interval, tariff, batch, one.stored)
            elif one.stored is not None:
                self._journal.write_interval(emptied(one.stored.interval), tariff, batch, one.stored)
        detail: Record = {"tariff": tariff, "records": len(found.differences), "readings": found.readings}
        self.tell("recomputed", found.state.instant_us, detail, batch)
        batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)

    def take(self, reading: Reading, batch: Batch) -> Decision:
        """Decide on a reading, book it, and add all rows that belong to the decision to `batch`.

        A reading whose time of day is not known waits; the first that is known brings those of its boot with it.
        """
        if reading.notes:
            self._notes += reading.notes
            reading = replace(reading, notes=())
        if reading.clock_state is ClockState.UNSYNCED:
            return self._let_wait(reading, batch)
        if self._held:
            self._place_held(reading, batch)
        for note in self._notes:
            self.tell("map", reading.latest_us, {"note": note}, batch)
        self._notes.clear()
        decision = self._decide(reading, batch)
        if isinstance(decision, Booked):
            for kind, detail in self._cross_check.look(reading, self._accumulator.state):
                self.tell(kind, reading.latest_us, detail, batch)
        return decision

    def _let_wait(self, reading: Reading, batch: Batch) -> Decision:
        self._held.let_wait(reading, self._stored.meter_id, batch)
        self.counters.waiting = len(self._held)
        self.last_decision = "waiting: the clock is not set"
        return Waiting(replace(reading, snapshot=replace(reading.snapshot, others={})))

    def _place_held(self, known: Reading, batch: Batch) -> None:
        """Book the readings that waited."""
        placed, detail = self._held.place(known, self._stored.meter_id, batch)
        self.counters.waiting = 0
        self.tell("clock_set", known.latest_us, detail, batch)
        for reading in placed:
            self._decide(reading, batch)

    def _follow_clock(
        self, previous: Reading | None, reading: Reading, batch: Batch, counts_on: bool, held: Reading | None = None
    ) -> list[Interval]:
        """Before `reading` is booked: do and tell what it says of the clock. Returns what closed by that."""
        news = follow_clock(self._accumulator, previous, reading, counts_on, held)
        if news is None:
            return []
        self.tell("clock_step", reading.latest_us, news.detail, batch)
        return news.closed

    def _cross_bridge(self, reading: Reading, batch: Batch, counts_on: bool) -> None:
        """Before the first booking of a store epoch that goes on from another: what flowed meanwhile has no bucket."""
        detail = self._accumulator.bridge(reading, counts_on)
        if detail is not None:
            self.tell("store_epoch", reading.latest_us, {**self._stored.beginning, **detail}, batch)

    def _decide(self, reading: Reading, batch: Batch) -> Decision:
        previous, held = self._validator.last, seen_since(self._validator)
        self._validator, decision = validate(self._validator, reading, self._limits)
        closed: list[Interval] = []
        had = self._accumulator.present
        match decision:
            case Accepted() | Rollover():
                closed = self._follow_clock(previous, decision.reading, batch, counts_on=True, held=held)
                self._tidings.gap(previous, decision.reading, batch)
                self._cross_bridge(decision.reading, batch, counts_on=True)
                closed = self._book(decision.reading, decision.doubts, closed, batch, bool(decision.frozen))
                self._tidings.booked(previous, decision, batch)
                self._tidings.directions(had, self._accumulator.state, previous, decision.reading, batch)
                self._accept(decision, batch)
            case NewEpoch():
                closed = self._open_epoch(decision, previous, held, batch)
                self._tidings.directions(had, self._accumulator.state, previous, decision.reading, batch)
                self._accept(decision, batch)
            case Rejected() | Quarantined():
                self._refuse(decision, batch)
        kind = type(decision).__name__.lower()
        self.last_decision = f"{kind}: {decision.reason}" if hasattr(decision, "reason") else kind
        self._write_reading(self.last_decision, reading, batch)
        for interval in closed:
            self._write_interval(interval, batch)
        state, tariff = self._accumulator.state, self._timeline.calendar.tariff_id
        self._journal.write_again(state.again, tariff, self._limits.limit_milliw, batch)
        self._tell_left_out(reading.latest_us, batch)
        batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)
        return decision

    def _book(
        self, reading: Reading, doubts: Sequence[Doubt], closed: list[Interval], batch: Batch, estimated: bool = False
    ) -> list[Interval]:
        """Book a reading, and tell what its decision leaves open. Returns `closed`, by that decision, and what closed
        by the reading, told so."""
        state, from_us = self._accumulator.state, self._accumulator.state.instant_us
        ahead_us = state.frontier_us, state.frontier_step_us
        doubts = (*doubts, *of_absence(state, reading, self._limits.limit_milliw))
        closed = [*closed, *self._accumulator.add(reading, estimated)]
        return self._leave_open(doubts, from_us, closed, batch, ahead_us) if doubts else closed

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
            new_word = partial(told_anew, limit_milliw=self._limits.limit_milliw, doubts=doubts, step_us=step_us)
            self._journal.tell_anew(since_us, to_us, self._timeline, batch, new_word)
        return self._accumulator.leave_open(doubts, from_us, closed, ahead_us)

    def exchange(self, statement: Statement, moment: Moment, batch: Batch) -> Outcome:
        """Book the operator's word on an exchange of this meter; nothing where it is known already or refused."""
        outcome = judge(self._validator, statement, moment, self._limits)
        match outcome:
            case Exchanged():
                self._book_exchange(outcome, batch)
            case Restated():
                self._book_afterwards(outcome, statement, moment, batch)
            case _:
                return outcome
        self._validator = outcome.state
        self._tell_left_out(moment.wall_us, batch)
        batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)
        return outcome

    def _book_exchange(self, outcome: Exchanged, batch: Batch) -> None:
        closing, opening, meter_id = outcome.closing, outcome.opening, self._stored.meter_id
        epoch, had = outcome.state.register_epoch, self._accumulator.present
        closed = self._book(closing, outcome.doubts, [], batch)
        self._tidings.gap(outcome.previous, replace(closing, earliest_us=closing.latest_us), batch)
        self._write_reading("stated: closing", closing, batch)
        closed += self._accumulator.start_epoch(epoch, opening)
        self._write_reading("stated: opening", opening, batch)
        batch.epochs.append(EpochRow(meter_id, epoch, Reason.STATED.value, closing, opening))
        stated = (Class.METER_REPLACED, Rule.OPERATOR_SAYS_SO)
        kind, detail = jumps.epoch(NewEpoch(Reason.STATED, epoch, closing, opening, opening, *stated))
        self.tell(kind, opening.latest_us, detail, batch)
        self._tidings.directions(had, self._accumulator.state, closing, opening, batch)
        for interval in closed:
            self._write_interval(interval, batch)
        self.latest = opening

    def _book_afterwards(self, outcome: Restated, statement: Statement, moment: Moment, batch: Batch) -> None:
        opened = outcome.opened
        bucket = self._accumulator.restate(outcome, self._timeline.calendar)
        if outcome.doubts:
            to_us = min(self._timeline.next_edge_us(opened.first.latest_us), self._accumulator.state.instant_us)
            self._leave_open(outcome.doubts, to_us, [], batch)
        self._write_reading("stated: afterwards", opened.first, batch)
        kind, detail = jumps.exchange(statement.exchange, outcome.state.register_epoch, opened, bucket)
        self.tell(kind, moment.wall_us, detail, batch)

    def correct(
        self,
        direction: Direction,
        from_us: int,
        to_us: int,
        entries: Sequence[ProfileEntry],
        resolution_milliwh: int,
        batch: Batch,
        shift_milliwh: int = 0,
    ) -> bool:
        """Tell the closed intervals of [from, to) anew by the meter's load profile; told either way.

        False: the profile does not fit, and nothing is corrected. Raises NotReadableError; nothing is changed then.
        """
        closed = self._journal.find_stretch(from_us, to_us, self._timeline, batch)
        words = [one.interval for one in closed]
        found: Correction | Disagreement = NOT_CLOSED
        if words:
            found = correct(words[0], words[1:], direction, entries, resolution_milliwh, shift_milliwh)
        detail: Record = {"direction": direction.value, "from_utc_us": from_us, "to_utc_us": to_us}
        if isinstance(found, Disagreement):
            self.tell("profile_refused", to_us, {**detail, **asdict(found)}, batch)
            return False
        self._accumulator.move(direction, found.gains_milliwh, found.doubts_milliwh, (from_us, to_us))
        if self._validator.last is not None:
            self._write_reading("corrected", self._validator.last, batch)
        for old, interval in zip(closed[1:], found.intervals, strict=True):
            self._journal.write_interval(interval, self._timeline.calendar.tariff_id, batch, old)
        self.tell("corrected", to_us, {**detail, "intervals": len(found.intervals)}, batch)
        batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)
        return True

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:
        """Write an event: into the store and, in the same transaction, into the outbox."""
        self._journal.tell(kind, at_us, detail, batch)

    def _write_reading(self, decision: str, reading: Reading, batch: Batch) -> None:
        acts = self._accumulator.take_acts(decision, reading)
        batch.readings.append(ReadingRow(self._stored.meter_id, self.register_epoch, decision, reading, acts))

    def _write_interval(self, interval: Interval, batch: Batch) -> None:
        self._journal.write_interval(interval, self._timeline.calendar.tariff_id, batch)

    def running_bucket(self) -> str | None:
        """The bucket that held at the last accepted reading."""
        if self.latest is None:
            return None
        reading, bucket = self._bucket_of
        if reading is not self.latest:  # asked several times for each reading, and the calendar's answer takes a while
            calendar = self._timeline.calendar
            bucket = calendar.bucket_names[calendar.bucket_at(self.latest.instant_us)]
            self._bucket_of = self.latest, bucket
        return bucket

    def state_record(self) -> Record | None:
        """The live account; None before the first accepted reading of this run."""
        bucket = self.running_bucket()
        if self.latest is None or bucket is None:
            return None
        record = state_record(
            self.origin.gateway,
            self.section.name,
            self.origin.store_epoch,
            self.latest,
            self._accumulator.state,
            bucket,
            self._timeline.calendar.bucket_names,
            self._validator.memories,
        )
        return record | (NOT_KNOWN if self.witness is None else self.witness.word) | self.pace()

    def _accept(self, decision: Accepted | Rollover | NewEpoch, batch: Batch) -> None:
        self.counters.accepted += 1
        if self.latest is None:
            self._tidings.zone(self._accumulator.state, decision.reading, batch)
        self.latest = decision.reading
        self._tidings.resumed(decision, batch)

    def _refuse(self, decision: Rejected | Quarantined, batch: Batch) -> None:
        quarantined = isinstance(decision, Quarantined)
        self.counters.quarantined += quarantined
        self.counters.rejected += not quarantined
        self._tidings.refused(decision, batch)

    def _open_epoch(
        self, decision: NewEpoch, previous: Reading | None, held: Reading | None, batch: Batch
    ) -> list[Interval]:
        meter_id = self._stored.meter_id
        batch.epochs.append(
            EpochRow(meter_id, decision.register_epoch, decision.reason.value, decision.previous, decision.first)
        )
        closed = self._follow_clock(previous, decision.first, batch, counts_on=False, held=held)
        self._cross_bridge(decision.first, batch, counts_on=False)
        counted_milliwh = self._accumulator.counted_milliwh
        absent = of_absence(self._accumulator.state, decision.first, self._limits.limit_milliw)
        closed += self._accumulator.start_epoch(decision.register_epoch, decision.first)
        doubts = [*decision.doubts, *absent, *self._restore(decision, counted_milliwh)]
        closed += self._follow_clock(decision.first, decision.reading, batch, counts_on=True)
        closed = self._book(decision.reading, doubts, closed, batch)
        kind, detail = jumps.epoch(decision)
        self.tell(kind, decision.first.latest_us, detail, batch)
        return closed

    def _restore(self, decision: NewEpoch, counted_milliwh: Mapping[Direction, int]) -> list[Doubt]:
        """Where the line before the last goes on: book what that has counted meanwhile and nobody else."""
        if decision.returned_from is None or decision.previous is None:
            return []
        missing = missing_milliwh(decision.returned_from, decision.first, counted_milliwh)
        more = {direction: milliwh for direction, milliwh in missing.items() if milliwh > 0}
        from_us, to_us = decision.returned_from.earliest_us, decision.first.latest_us
        self._accumulator.restore(from_us, to_us, more, self._timeline.calendar)
        return [Doubt(direction, 0, -milliwh, from_us) for direction, milliwh in missing.items() if milliwh < 0]

    def _tell_left_out(self, at_us: int, batch: Batch) -> None:
        left_out, self._accumulator.left_out = self._accumulator.left_out, None
        self._tidings.left_out(left_out, at_us, batch)
