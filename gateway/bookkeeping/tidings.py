"""What is told of one meter's readings: gaps, jumps, directions, refusals, other rules of local time. Books nothing.

Each event goes to a `Teller`, who writes it into the store and the outbox in one transaction; of refusals and of
flickering digits as many as a person can read. What was decided and booked is told here, never decided.
"""

from dataclasses import dataclass
from typing import Protocol

from ..buckets.passing import LeftOut
from ..decision import Accepted, NewEpoch, Quarantined, Rejected, Rollover, ValidatorState
from ..energy import AccumulatorState, Direction
from ..ledger.records import Batch, Record
from ..reading.read import Reading
from ..timeline import Timeline
from . import jumps
from .jumps import Event, Jumps
from .refusals import Refusals
from .zone_rules import rules_of


@dataclass(slots=True)
class Counters:
    """Readings by what became of them, since the start."""

    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0
    failed: int = 0
    waiting: int = 0
    """Now, not since the start: readings that wait for the time of day."""


class Teller(Protocol):
    """Who writes an event down: a meter's books, and a replay in its own way."""

    def tell(self, kind: str, at_us: int, detail: Record, batch: Batch) -> None:
        """`at_us`: the UTC instant it is told of."""
        ...


class Tidings:
    """Of one meter."""

    def __init__(self, teller: Teller, state: ValidatorState, timeline: Timeline, gap_us: int) -> None:
        """`gap_us`: an accepted reading this long after the one before is told as a gap."""
        self._teller, self._timeline, self._gap_us = teller, timeline, gap_us
        self._refusals = Refusals(state.held_reason, state.held_count)
        self._jumps = Jumps()

    def gap(self, previous: Reading | None, reading: Reading, batch: Batch) -> None:
        """A reading that came long after the one before."""
        if previous is None:
            return
        # An answer that was waited for that long (the process was stopped meanwhile) can be as old as its question.
        waited_us = reading.latest_us - reading.earliest_us - (previous.latest_us - previous.earliest_us)
        if max(reading.earliest_us - previous.latest_us, waited_us) < self._gap_us:
            return
        over_edge = self._timeline.next_edge_us(previous.instant_us) <= reading.instant_us
        kind, detail = jumps.gap(previous, reading, over_edge)
        if waited_us >= self._gap_us:
            detail["to_utc_us"] = reading.latest_us
        self._tell((kind, detail), reading.latest_us, batch)

    def left_out(self, left_out: LeftOut | None, at_us: int, batch: Batch) -> None:
        """That a time was too long to be told interval by interval."""
        if left_out is not None:
            self._tell(
                ("intervals_left_out", {"from_utc_us": left_out.from_us, "to_utc_us": left_out.to_us}), at_us, batch
            )

    def directions(
        self,
        had: frozenset[Direction],
        account: AccumulatorState,
        previous: Reading | None,
        reading: Reading,
        batch: Batch,
    ) -> None:
        """What the meter has no more, and what it has (again) that it lacked; its first directions are no news."""
        if previous is None:
            return
        for event in jumps.directions(had, account, previous, reading):
            self._tell(event, reading.latest_us, batch)

    def booked(self, previous: Reading | None, decision: Accepted | Rollover, batch: Batch) -> None:
        """What was odd about a reading that is booked."""
        events = self._jumps.notes(previous, decision)
        if isinstance(decision, Rollover):
            events.insert(0, jumps.rollover(decision))
        for event in events:
            self._tell(event, decision.reading.latest_us, batch)

    def resumed(self, decision: Accepted | Rollover | NewEpoch, batch: Batch) -> None:
        """That readings are booked again, if some were not."""
        told = self._refusals.accept()
        if told is not None:
            self._tell(jumps.resumed(decision, *told), decision.reading.latest_us, batch)

    def refused(self, decision: Rejected | Quarantined, batch: Batch) -> None:
        """A reading that is not booked; each is counted, as many are told as a person can read."""
        not_told = self._refusals.refuse(decision.reason, decision.reading)
        if not_told is not None:
            self._tell(jumps.refused(decision, not_told), decision.reading.latest_us, batch)

    def zone(self, account: AccumulatorState, reading: Reading, batch: Batch) -> None:
        """That local time has other rules than when the account was last kept; it is kept by these from now on."""
        zone = self._timeline.calendar.zone
        rules = rules_of(zone)
        if account.zone_rules not in ("", rules):
            event: Event = ("zone_rules", {"zone": str(zone), "before": account.zone_rules, "now": rules})
            self._tell(event, reading.latest_us, batch)
        account.zone_rules = rules

    def _tell(self, event: Event, at_us: int, batch: Batch) -> None:
        kind, detail = event
        self._teller.tell(kind, at_us, detail, batch)
