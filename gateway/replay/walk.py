"""The daemon's books fed by hand, one reading at a time: the reference that anything faster has to equal.

Decisions, bookings and events are those of `gateway.bookkeeping.books`; only where its rows go differs: nothing is
hashed, and nothing written. A table has no monotonic clock, so a time that leaps is told from its neighbours (`table`),
not here.
"""

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from ..bookkeeping.booking import Booking
from ..bookkeeping.books import Books
from ..bookkeeping.journal import Origin, OutboxIds
from ..bookkeeping.tidings import Tidings
from ..buckets.closing import close_pending
from ..energy import AccumulatorState, Interval
from ..kernels import Kernel
from ..ledger.records import Batch, EventRow, Record, StoredMeter, nothing_closed
from ..reading.read import Reading
from ..registers.validate import Decision, Quarantined, Reason, Rejected, ValidatorState
from ..timeline import Timeline
from .result import IntervalRun, ListedRun
from .terms import Terms


class Kept:
    """Events in their order; nobody waits for them."""

    def __init__(self) -> None:
        self.rows: list[EventRow] = []

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:  # noqa: ARG002
        """One more (`tidings.Teller`)."""
        self.rows.append(EventRow(0, len(self.rows) + 1, at_us, kind, detail))


def add_interval(runs: list[IntervalRun], interval: Interval) -> None:
    """One more behind the last of them."""
    last = runs[-1] if runs else None
    if not isinstance(last, ListedRun):
        last = ListedRun()
        runs.append(last)
    last.append(interval)


class _Booking(Booking):
    """Keeps closed intervals; its journal is nobody's."""

    runs: list[IntervalRun]

    def write_intervals(self, closed: Sequence[Interval], batch: Batch) -> None:  # noqa: ARG002
        for interval in closed:
            add_interval(self.runs, interval)


class Walk(Books):
    """One meter's books without a store. `step` is the way in; `runs`, `events`, `refused` is what came."""

    def __init__(self, meter: str, terms: Terms, timeline: Timeline, kernel: Kernel, gap_us: int) -> None:
        stored = StoredMeter(0, meter, ValidatorState(), AccumulatorState(), 0, 0, "", nothing_closed)
        section, rules = terms.section(meter), terms.rules(meter)
        super().__init__(stored, Origin("", ""), section, timeline, kernel, rules, OutboxIds(0), gap_us)
        first_us = timeline.first_credible_us
        self._limits = replace(self._limits, first_credible_us=first_us, remembers_standing=False)
        self.leaps = 0
        """How often many readings were booked in one go."""
        self.runs: list[IntervalRun] = []
        self._kept = Kept()
        self._tidings = Tidings(self._kept, self._validator, timeline, gap_us)
        written = self._accumulator, self._journal, self._tidings, self._kept
        self._booking = booking = _Booking(stored, timeline, *written)
        booking.runs = self.runs
        self.refused: dict[tuple[str, Reason], list[int]] = {}
        """(rejected or quarantined, reason) -> `latest_us` of each reading."""

    @property
    def events(self) -> list[EventRow]:
        """What was told of its readings."""
        return self._kept.rows

    @property
    def is_booked_as_shown(self) -> bool:
        """Whether the last reading was booked with the registers that it shows: none held, rolled over or frozen."""
        return not self._validator.memories

    def step(self, reading: Reading) -> Decision:
        """Take one reading."""
        decision = self.take(reading, Batch())
        for direction in self.account.directions.values():
            direction.unread.clear()  # a table has no load profile that would correct its gaps
        return decision

    def land(self, reading: Reading, count: int) -> None:
        """`count` readings more were booked in one go, this the last: leave the books as stepping leaves them."""
        self._validator = structs.replace(self._validator, last=reading)
        self.leaps += 1
        self.counters.accepted += count
        self.latest, self.last_decision = reading, "accepted"
        self._accumulator._check()

    def finish(self) -> None:
        """The table ends: edges that were crossed close with what is known of them."""
        for interval in close_pending(self.account, None, self._rules.limit_milliw, self._rules.edge_tolerance_us):
            add_interval(self.runs, interval)

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:
        """Keep an event."""
        self._kept.tell(kind, at_us, detail, batch)

    def _refuse(self, decision: Rejected | Quarantined, batch: Batch) -> None:
        super()._refuse(decision, batch)
        if decision.reason is Reason.FIRST_READING:  # every meter begins with one; `finish` of the run tells if no more
            return
        kind = "quarantined" if isinstance(decision, Quarantined) else "rejected"
        self.refused.setdefault((kind, decision.reason), []).append(decision.reading.latest_us)
