"""A display that lacks a digit of what it has never shown yet: energy that no register tells of until it counts on.

A step back of a last digit is seen by the reading before it, and is held then. Where no reading saw what the register
had before (nothing could be read, nobody asked, another meter hung there), what is shown is the only word there is:
a digit too little until the register counts on, and a digit too much from there to the next reading. Excused is that
digit between the readings around it, and nothing else. Knows nothing of the gateway. Times are true UTC microseconds.
"""

from collections.abc import Sequence

from .hidden import Hidden
from .jump_plan import Fault, Jump, JumpHistory
from .record import DIRECTIONS, Taken


def low_displays(history: JumpHistory, taken: Sequence[Taken]) -> list[Hidden]:
    """The times between the readings around each step back that none of them shows, and its digit."""
    right = [one for one in taken if one.shown and not one.glitch]
    return [
        hidden
        for fault in history.faults
        if fault.jump is Jump.BACK
        for direction in DIRECTIONS
        for hidden in _unseen(history, fault, direction, [one for one in right if direction in one.shown])
    ]


def _unseen(history: JumpHistory, fault: Fault, direction: str, right: list[Taken]) -> list[Hidden]:
    """What one step back hides of a direction: nothing, where the reading before it had the digit that is gone."""
    digit_milliwh = history.base.imports[0].step_milliwh
    low = [one for one in right if one.shown[direction] == _of(history, fault, direction, one, digit_milliwh)]
    low = [one for one in low if fault.at_us <= one.true_latest_us and one.true_earliest_us < fault.until_us]
    if not low:
        return []
    before = [one for one in right if one.true_latest_us < low[0].true_earliest_us][-1:]
    if any(one.meter == low[0].meter and one.shown[direction] == _of(history, fault, direction, one) for one in before):
        return []
    after = [one for one in right if one.true_earliest_us > low[-1].true_latest_us][:1]
    way = [*before, *low, *after]
    return [Hidden(way[0].true_earliest_us, way[-1].true_latest_us, {direction: digit_milliwh}, digit_milliwh)]


def _of(history: JumpHistory, fault: Fault, direction: str, one: Taken, less_milliwh: int = 0) -> int:
    """What the meter of a reading showed when the fault began, and that much less."""
    meters = history.base.imports if direction == "import" else history.base.exports
    shown = max(meters[one.meter].shown(fault.at_us) - less_milliwh, 0)
    return shown if history.width_milliwh is None else shown % history.width_milliwh
