"""A time of which no register tells what flowed, and what the judges ask of readings to know one. No gateway.

Times are true UTC microseconds, energy milliwatt-hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .jump_plan import COARSER, Jump, JumpHistory
from .plan import LIMIT_MILLIW
from .record import DIRECTIONS, Taken
from .tariff import Tariff
from .truth import MILLIWH, Flow

WEEK_US = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Hidden:
    """A time of which no register tells what flowed, and how far off a total may be by it, in each direction: no more
    than the service carries in the part of it that is asked for, and a digit."""

    from_us: int
    until_us: int
    milliwh: dict[str, int]
    digits_milliwh: int
    again_us: int = 0
    """How far the clock was set back in it: so much longer than it shows a part of it can have been."""

    def of(self, direction: str, from_us: int, until_us: int) -> int:
        """How far off the energy of a stretch may be by this."""
        if not (self.from_us < until_us and from_us <= self.until_us):
            return 0
        return self._at_most(direction, min(until_us, self.until_us) - max(from_us, self.from_us))

    def of_bucket(self, direction: str, bucket: int, tariff: Tariff, now_us: int) -> int:
        """How far off a bucket's energy may be by this: nothing, where it did not hold at any time of it until now."""
        at_us, until_us = self.from_us, min(self.until_us, now_us)
        held_us = -1
        while at_us <= until_us:
            next_us = tariff.next_change_us(at_us)
            if tariff.bucket(at_us) == bucket:
                held_us = max(held_us, 0) + min(next_us, until_us) - at_us
            at_us = next_us
        return 0 if held_us < 0 else self._at_most(direction, held_us)

    def _at_most(self, direction: str, held_us: int) -> int:
        carried_milliwh = LIMIT_MILLIW * (held_us + self.again_us) // MILLIWH + 1
        return min(self.milliwh.get(direction, 0), carried_milliwh + self.digits_milliwh)


def flow_of(history: JumpHistory, direction: str) -> Flow:
    """What flows in a direction, whichever meter hangs there."""
    return (history.base.imports if direction == "import" else history.base.exports)[0].flow


def digit_milliwh(history: JumpHistory, one: Taken) -> int:
    """The last digit of what a reading shows."""
    coarse = shows(history, one, Jump.COARSE)
    return history.base.imports[one.meter].step_milliwh * (COARSER if coarse else 1)


def shows(history: JumpHistory, one: Taken, jump: Jump) -> bool:
    """Whether a reading can have been latched while this was wrong."""
    earliest_us, latest_us = one.true_earliest_us, one.true_latest_us
    return any(each.jump is jump and each.at_us <= latest_us and earliest_us < each.until_us for each in history.faults)


def longest_us(before: Taken, after: Taken) -> int:
    """The longest time that anybody can take to have passed between two readings: by the wall clock too, where that was
    set on; after another boot with a clock that is behind, a week.
    """
    if before.boot != after.boot and after.wall_us <= before.wall_us:
        return WEEK_US
    passed_us = after.true_latest_us - before.true_earliest_us
    return max(passed_us, after.wall_latest_us - before.wall_earliest_us)


def is_possible(
    history: JumpHistory,
    before: Taken,
    after: Taken,
    directions: Sequence[str] = DIRECTIONS,
    *,
    lost_places: bool = False,
) -> bool:
    """Whether the later registers can be the earlier ones, counted on, by the coarser digit of both displays.

    By that, because a fall of less than a coarse digit is none: nobody can see it. `lost_places`: also where the
    registers have a width, and the display lost places in between.
    """
    most = LIMIT_MILLIW * longest_us(before, after) // MILLIWH
    digits_milliwh = digit_milliwh(history, before) + digit_milliwh(history, after)
    shown = [one for one in directions if one in before.shown and one in after.shown]
    grown = [after.shown[one] - before.shown[one] for one in shown]
    if history.width_milliwh is not None:
        # Of one meter a fall is through its width, but within its finest digit, or in places that it lost, it is none;
        # another one may begin a coarse digit below.
        lost_milliwh = digit_milliwh(history, after) - digit_milliwh(history, before) if lost_places else 0
        own_milliwh = max(history.base.imports[0].step_milliwh, lost_milliwh)
        below_milliwh = digits_milliwh if before.meter != after.meter else own_milliwh
        grown = [(each + below_milliwh) % history.width_milliwh - below_milliwh for each in grown]
    return all(-digits_milliwh <= each <= most + digits_milliwh for each in grown)
