"""The oracle: from the readings that were booked, by the rules in words, every bucket and interval in integers again.

And the truth beside it: what flowed in each bucket by true time, and in each interval by the clock that the account
lived by. Slow and plain. Knows nothing of the gateway.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .plan import History
from .record import DIRECTIONS, Fate, Taken
from .truth import Flow

SET_US = 500_000
PPM = 500
UNASSIGNED = 0


def measured_step_us(before: Taken, after: Taken, seen: Taken | None = None) -> int | None:
    """How far the wall clock was set between two readings; None where the machine was started anew.

    `seen`: the last reading before that, not booked: where it shows a step, that is known.
    """
    if before.boot != after.boot:
        return None if seen is None else measured_step_us(before, seen) or None
    passed_us = after.monotonic_us - before.monotonic_us
    step_us = after.wall_latest_us - before.wall_latest_us - passed_us
    return step_us if abs(step_us) > SET_US + passed_us * PPM // 1_000_000 else 0


def seen_between(taken: Sequence[Taken], before: Taken, after: Taken) -> Taken | None:
    """The newest reading between two booked ones of different boots that is of the first one's boot; None: none is."""
    if before.boot == after.boot:
        return None
    since = [one for one in taken if one.boot == before.boot and before.true_us < one.true_us < after.true_us]
    return since[-1] if since else None


def one_by_one_us(before: Taken, after: Taken, taken: Sequence[Taken]) -> list[int]:
    """How the clock was set between two booked readings, where those in between, of the first one's boot, saw it set
    back and on: the latter may be a machine that was paused. Nothing where it was set one way, or each step undid the
    one before."""
    between = [one for one in taken if before.true_us < one.true_us <= after.true_us and one.boot == before.boot]
    chain: list[int] = []
    for earlier, later in pairwise([before, *between]):
        step_us = measured_step_us(earlier, later) or 0
        while chain and (chain[-1] * step_us > 0 or abs(chain[-1] + step_us) <= SET_US):
            step_us += chain.pop()
            step_us *= abs(step_us) > SET_US
        chain += [step_us] if step_us else []
    return chain if chain and min(chain) < 0 < max(chain) else []


def unplaced(before: Taken, after: Taken, step_us: int | None) -> bool:
    """Whether the clock went back over a restart, by more than was seen: nobody knows how long the machine was off."""
    return before.boot != after.boot and after.wall_us <= before.wall_us + min(step_us or 0, 0)


def is_hidden(before: Taken, after: Taken, step_us: int | None) -> bool:
    """Whether the clock was set over a restart without being seen. What slewing hides is not counted."""
    off_us = after.clock_off_us - before.clock_off_us
    return before.boot != after.boot and abs(off_us - (step_us or 0)) > (SET_US if step_us else 0)


@dataclass(slots=True)
class Share:
    """One direction of one interval."""

    milliwh: int = 0
    unassigned_milliwh: int = 0
    true: int = 0
    """What truly flowed while the clock showed it, milliwatt-microseconds."""


@dataclass(slots=True)
class Reckoning:
    """Totals by (direction, bucket number), shares by (direction, end of the interval)."""

    totals: dict[tuple[str, int], int] = field(default_factory=dict)
    shares: dict[tuple[str, int], Share] = field(default_factory=dict)
    steps_us: list[int | None] = field(default_factory=list)
    """Each time the clock was set, as it must be told."""
    has_unplaced: bool = False
    has_hidden_step: bool = False
    """The clock was set while the machine was off: no monotonic clock can tell."""

    def share(self, direction: str, end_us: int) -> Share:
        return self.shares.setdefault((direction, end_us), Share())

    def add(self, direction: str, bucket: int, milliwh: int) -> None:
        self.totals[direction, bucket] = self.totals.get((direction, bucket), 0) + milliwh


class Oracle:
    """Knows a history, and reckons what the books must say of it, reading by reading."""

    def __init__(self, history: History) -> None:
        self._history, self._tariff = history, history.tariff
        self._flows: dict[str, Flow] = {"import": history.imports[0].flow, "export": history.exports[0].flow}
        self.reckoning = Reckoning()

    def walk(self, kept: list[Taken], taken: Sequence[Taken] = ()) -> Iterator[tuple[Taken, Taken]]:
        """Reckon the readings that were booked, pair by pair; each pair is given out when it is in the sums.

        `taken`: all readings, those too that were not booked.
        """
        for before, after in pairwise(kept):
            step_us = measured_step_us(before, after, seen_between(taken, before, after))
            steps_us = one_by_one_us(before, after, taken)
            back_us = sum(min(one, 0) for one in steps_us or [step_us or 0])
            blind = unplaced(before, after, back_us)
            if steps_us and not blind:
                self.reckoning.steps_us += steps_us
            elif step_us or blind:
                self.reckoning.steps_us.append(None if blind else step_us)
            self.reckoning.has_unplaced |= blind
            self.reckoning.has_hidden_step |= is_hidden(before, after, sum(steps_us) or step_us)
            if after.fate is not Fate.OPENED and blind:
                self._leave_unassigned(before, after)
            elif after.fate is not Fate.OPENED:
                self._split(before, after, before.wall_us + back_us)
            self._live(before, after)
            yield before, after

    def true_bucket(self, direction: str, bucket: int, from_us: int, to_us: int) -> int:
        """What flowed in a bucket in [from, to) of true time, milliwatt-microseconds."""
        total, at_us = 0, from_us
        while at_us < to_us:
            until_us = min(self._tariff.next_change_us(at_us), to_us)
            if self._tariff.bucket(at_us) == bucket:
                total += self._flows[direction].between(at_us, until_us)
            at_us = until_us
        return total

    def _leave_unassigned(self, before: Taken, after: Taken) -> None:
        end_us = self._tariff.next_edge_us(after.wall_us - 1)
        for direction in DIRECTIONS:
            grown = after.shown[direction] - before.shown[direction]
            self.reckoning.add(direction, UNASSIGNED, grown)
            share = self.reckoning.share(direction, end_us)
            share.milliwh += grown
            share.unassigned_milliwh += grown

    def _split(self, before: Taken, after: Taken, from_us: int) -> None:
        """The straight line between two readings, cut to whole milliwatt-hours at every edge."""
        to_us, tariff = after.wall_us, self._tariff
        edges = tariff.edges(from_us, to_us)
        buckets = [tariff.bucket(at_us) for at_us in (from_us, *edges)]
        gap = self._history.unassigned and to_us - from_us > self._history.max_gap_us and len(set(buckets)) > 1
        ends = [*edges, tariff.next_edge_us(to_us)]
        for direction in DIRECTIONS:
            first, last = before.shown[direction], after.shown[direction]
            marks = [first + (last - first) * (at_us - from_us) // (to_us - from_us) for at_us in edges]
            for bucket, end_us, (low, high) in zip(buckets, ends, pairwise([first, *marks, last]), strict=True):
                self.reckoning.add(direction, UNASSIGNED if gap else bucket, high - low)
                share = self.reckoning.share(direction, end_us)
                share.milliwh += high - low
                share.unassigned_milliwh += (high - low) * gap

    def _live(self, before: Taken, after: Taken) -> None:
        """What truly flowed since the reading before. The clock can have been set anywhere between the two.

        Set back, the reading before is placed by the new clock; set on, the old one held at least until that was
        stamped, and at an edge between the two any register between theirs is within what is told.
        """
        was_set_back = after.wall_us - before.wall_us < after.true_us - before.true_us
        stamped_us = before.true_us if was_set_back else min(before.true_latest_us, after.true_us)
        self._show(before.true_us, stamped_us, before.wall_us - before.true_us)
        self._show(stamped_us, after.true_us, after.wall_us - after.true_us)

    def _show(self, from_us: int, to_us: int, off_us: int) -> None:
        """A stretch of true time that a clock showed, this far off."""
        if from_us >= to_us:
            return
        edges = self._tariff.edges(from_us + off_us, to_us + off_us)
        ends = [*edges, self._tariff.next_edge_us(to_us + off_us)]
        marks = [from_us, *(at_us - off_us for at_us in edges), to_us]
        for direction in DIRECTIONS:
            for end_us, (low_us, high_us) in zip(ends, pairwise(marks), strict=True):
                self.reckoning.share(direction, end_us).true += self._flows[direction].between(low_us, high_us)
