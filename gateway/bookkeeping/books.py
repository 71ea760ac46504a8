"""One meter's books: validate, accumulate, and turn what came of it into rows for one commit.

No thread, no clock, no SQL, no MQTT: a reading in, rows out. Sequence numbers are given out here, gapless per
meter: intervals in one series, events in another. The rows and the state belong together in one transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..buckets.accumulate import Rules
from ..clock import ClockState
from ..config.types import MeterSection
from ..decision import Accepted, Basis, Booked, Decision, Limits, NewEpoch, Quarantined, Rejected, Rollover, Waiting
from ..energy import AccumulatorState, Direction, Interval
from ..kernels import Kernel
from ..ledger.past import Past
from ..ledger.records import Batch, Record, StoredMeter
from ..publish.message import state_record
from ..reading.load_profile import ProfileEntry
from ..reading.meter_witness import NOT_KNOWN, MeterWitness
from ..reading.read import Reading
from ..registers.exchange import Exchanged, Outcome, Restated, Statement, judge
from ..registers.placed import seen_since, steps_in_row, steps_since
from ..registers.stated import Moment
from ..registers.validate import validate
from ..timeline import Calendar, Timeline
from .acts import RecordedAccumulator
from .booking import Booking
from .hold import Held
from .journal import Journal, Origin, OutboxIds
from .recompute import MeterAgain, begin, emptied, with_buckets_of
from .tariff_counters import CrossCheck, TariffCounter
from .tidings import Counters, Tidings


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
        self._booking = Booking(stored, timeline, self._accumulator, self._journal, self._tidings, self._journal)
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

    def _decide(self, reading: Reading, batch: Batch) -> Decision:
        before, previous, held = self._validator, self._validator.last, seen_since(self._validator)
        self._validator, decision = validate(self._validator, reading, self._limits)
        closed: list[Interval] = []
        had = self._accumulator.present
        match decision:
            case Accepted() | Rollover():
                booked = previous, decision.reading, decision.doubts
                closed = self._booking.reading(
                    *booked, batch, bool(decision.frozen), held, steps_since(before, reading)
                )
                self._tidings.booked(previous, decision, batch)
                self._tidings.directions(had, self._accumulator.state, previous, decision.reading, batch)
                self._accept(decision, batch)
            case NewEpoch():
                steps_us = steps_since(before, decision.first), steps_in_row(before, decision.first, reading)
                closed = self._booking.epoch(decision, previous, held, batch, *steps_us)
                self._tidings.directions(had, self._accumulator.state, previous, decision.reading, batch)
                self._accept(decision, batch)
            case Rejected() | Quarantined():
                self._refuse(decision, batch)
        kind = type(decision).__name__.lower()
        self.last_decision = f"{kind}: {decision.reason}" if hasattr(decision, "reason") else kind
        self._booking.write_reading(self.last_decision, reading, batch)
        self._booking.write_intervals(closed, batch)
        self._booking.write_again(batch)
        self._booking.tell_left_out(reading.latest_us, batch)
        batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)
        return decision

    def exchange(self, statement: Statement, moment: Moment, batch: Batch) -> Outcome:
        """Book the operator's word on an exchange of this meter; nothing where it is known already or refused."""
        outcome = judge(self._validator, statement, moment, self._limits)
        match outcome:
            case Exchanged():
                self._booking.exchange(outcome, batch)
                self.latest = outcome.opening
            case Restated():
                self._booking.afterwards(outcome, statement, moment, batch)
            case _:
                return outcome
        self._validator = outcome.state
        self._booking.tell_left_out(moment.wall_us, batch)
        batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)
        return outcome

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
        told_by, last = (entries, resolution_milliwh, batch, shift_milliwh), self._validator.last
        is_corrected = self._booking.correct(direction, (from_us, to_us), *told_by, last)
        if is_corrected:
            batch.states[self._stored.meter_id] = (self._validator, self._accumulator.state)
        return is_corrected

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:
        """Write an event: into the store and, in the same transaction, into the outbox."""
        self._journal.tell(kind, at_us, detail, batch)

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
