"""What an exchange leaves open of a meter that may have been dead: that is why meters are exchanged.

A meter is a whole: as long as one of its registers moves, another that stands does so rightly (export, all night). So
only the time in which none has moved is in doubt, by what the service carries in it. While the meter hangs there that
is nothing that anybody could know; when its registers begin anew, it will never give what it kept back. Pure.
"""

from collections.abc import Iterator, Mapping

from ..decision import Doubt, Limits, RegisterMemory, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import Followed
from .frozen import ORDINARY, all_stand_since_us, may_be_frozen_since_us
from .passed import elapsed_us


def of_standing(
    last: Reading, memories: Mapping[Direction, RegisterMemory], lost: Mapping[Direction, Reading], limits: Limits
) -> Iterator[Doubt]:
    """Of registers that end with `last`: what may be in none of them since they stood, all of them."""
    present = registers_of(last.snapshot)
    if all_us := all_stand_since_us(present, memories):
        for direction in present:
            yield from _since(all_us, last, direction, memories, limits)
    for direction, had in lost.items():
        if since_us := memories.get(direction, ORDINARY).stood_since_us:
            yield from _since(since_us, had, direction, memories, limits)


def untold(state: ValidatorState) -> dict[Direction, Reading]:
    """The lost directions of which that is not told yet: of one that fell and stands there, it was told then."""
    return {one: had for one, had in state.lost.items() if one not in state.doubted}


def of_closing(
    last: Reading, closing: Reading, memories: Mapping[Direction, RegisterMemory], limits: Limits
) -> Iterator[Doubt]:
    """The same where the operator has stated the `closing` registers: a meter that moved behind `last` was alive."""
    had, shown = registers_of(last.snapshot), registers_of(closing.snapshot)
    if all(direction in had and had[direction].milliwh == one.milliwh for direction, one in shown.items()):
        yield from of_standing(closing, memories, {}, limits)


def of_unseen_reset(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> Iterator[Doubt]:
    """Of a meter that was called frozen, moves again with `line`, and of which no register shows, in `reading`, more
    than it can have counted from 0 since it was read last: it may have been reset where nobody looked, because it was
    dead. Then what it had kept back is in no register, nor what flowed until the reset."""
    if state.last is None:
        return
    had, now = registers_of(state.last.snapshot), registers_of(line.reading.snapshot)
    shown, passed_us = registers_of(reading.snapshot), elapsed_us(state.last, line.reading)
    most_milliwh = most_energy_milliwh(limits.limit_milliw, passed_us)
    moved = [one for one in had if one in now and now[one].milliwh != had[one].milliwh]
    frozen_us = {one: _frozen_since_us(state.memories.get(one, ORDINARY)) for one in had}
    if not any(frozen_us[one] for one in moved) or any(one.milliwh > most_milliwh for one in shown.values()):
        return
    stood_us = all_stand_since_us(had, state.memories)
    for direction in had.keys() & now.keys():
        since_us = min((one for one in (stood_us, frozen_us[direction]) if one), default=0)
        stands_us = state.last.latest_us - since_us if since_us else 0
        digit_milliwh = shown[direction].resolution_milliwh + shown[direction].rounding_milliwh
        flowed_milliwh = most_energy_milliwh(limits.limit_milliw, passed_us + stands_us) + digit_milliwh
        open_milliwh = flowed_milliwh - (now[direction].milliwh - had[direction].milliwh)
        if open_milliwh > 0:
            yield Doubt(direction, open_milliwh, open_milliwh if since_us else 0, since_us)


def of_unseen_begin(state: ValidatorState, line: Followed, limits: Limits) -> Iterator[Doubt]:
    """Of a register that was called frozen where its epoch found it, and moves again with `line`: it may have stood
    there since the reading before the epoch, and give what flowed before the account of it began. Edges have told only
    what can have flowed since."""
    if state.last is None or state.opened is None:
        return
    had, now = registers_of(state.last.snapshot), registers_of(line.reading.snapshot)
    began = registers_of(state.opened.first.snapshot)
    unread_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(state.opened.previous, state.opened.first))
    for direction in had.keys() & now.keys() & began.keys():
        grown_milliwh = now[direction].milliwh - had[direction].milliwh
        stood = had[direction].milliwh == began[direction].milliwh
        open_milliwh = min(grown_milliwh, unread_milliwh)
        if stood and open_milliwh > 0 and _frozen_since_us(state.memories.get(direction, ORDINARY)):
            yield Doubt(direction, open_milliwh)


def _frozen_since_us(memory: RegisterMemory) -> int:
    """Since when a register may stand that is called frozen; 0: it is not."""
    still = memory.still
    return may_be_frozen_since_us(memory, still) if still is not None and still.frozen else 0


def _since(
    since_us: int, last: Reading, direction: Direction, memories: Mapping[Direction, RegisterMemory], limits: Limits
) -> Iterator[Doubt]:
    """Of one of them, until it was called frozen: from then on each edge has told it."""
    until_us, memory = last.latest_us, memories.get(direction, ORDINARY)
    if memory.still is not None and memory.still.frozen:
        until_us = may_be_frozen_since_us(memory, memory.still)
    milliwh = most_energy_milliwh(limits.limit_milliw, until_us - since_us)
    if milliwh:
        yield Doubt(direction, 0, milliwh, since_us)
