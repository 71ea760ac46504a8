"""What two readings leave undecided: a row of held readings may have been true although the old line goes on.

A young meter that was reset passes its old count again; a register that stood still gives all at once; another meter
may begin a little above the old one. Then the old line is booked, and told is how far off that is in the other case.
Pure.
"""

from collections.abc import Iterator, Mapping

import msgspec

from ..clock_steps import step_back_us
from ..decision import Class, Doubt, Limits, Reason, RegisterMemory, Rule, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import SAME_REGISTERS, Followed, follow, of_woken_beside
from .frozen import ORDINARY
from .passed import elapsed_us, may_stand_since_us
from .placed import moved_memories, placed_before
from .row import MAY_JUMP, fallen_milliwh
from .standing import of_standing, untold
from .zeros import beyond_zero_milliwh

Undecided = tuple[tuple[Doubt, ...], Class, Rule]
DECIDED: Undecided = ((), Class.GLITCH, Rule.BACK_ON_THE_OLD_LINE)


def either_way(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> Undecided:
    """What becomes of the quarantine when `line`, of `reading`, is booked: was it a glitch, or can it have been so?"""
    last, first = state.last, state.held_first
    if last is None or first is None or state.held_reason not in MAY_JUMP:
        return DECIDED
    objections = follow(last, state.memories, first, limits, state.lost).objections
    if not objections and of_fallen(state, line, reading, limits):
        return (), Class.UNDECIDED, Rule.POSSIBLE_EITHER_WAY
    on = _on_from_row(state, reading, limits)
    if not objections or on is None:
        return DECIDED
    if on.objection not in (None, Reason.ROLLED_OVER):
        return _of_jumped(state, line, on, objections, limits)
    awake = follow(last, state.memories, first, limits, state.lost, asleep=True)
    stood = awake.objection in SAME_REGISTERS
    doubts = _doubts(
        state, last, first, line, limits, jumped=Reason.IMPOSSIBLE_JUMP in objections.values(), stood=stood
    )
    if stood:
        return doubts, Class.STOOD_STILL, Rule.POSSIBLE_SINCE_IT_STOOD
    back = {one: had for one, had in untold(state).items() if one in registers_of(line.reading.snapshot)}
    dead = of_standing(last, state.memories, back, limits)
    return (*doubts, *dead), Class.UNDECIDED, Rule.POSSIBLE_EITHER_WAY


def _of_jumped(
    state: ValidatorState, line: Followed, on: Followed, objections: Mapping[Direction, Reason], limits: Limits
) -> Undecided:
    """The row was wrong, in one register; another may have jumped beside it, and counts `on` from there: that is within
    reach by now, but it need not have flowed."""
    if state.last is None or state.held_first is None or on.objection is Reason.METER_REPLACED:
        return DECIDED
    jumped = {one for one, why in objections.items() if why is Reason.IMPOSSIBLE_JUMP} - on.objections.keys()
    every = _doubts(state, state.last, state.held_first, line, limits, jumped=True, stood=True)
    doubts = tuple(one for one in every if one.direction in jumped)
    return (doubts, Class.UNDECIDED, Rule.POSSIBLE_EITHER_WAY) if doubts else DECIDED


def _on_from_row(state: ValidatorState, reading: Reading, limits: Limits) -> Followed | None:
    """Whether the held row can be the same registers as `reading`; its newest may be that, or have stood still."""
    latest = state.held_latest
    if latest is None:
        return None
    if (latest.boot_id, latest.monotonic_us) == (reading.boot_id, reading.monotonic_us):
        return Followed(reading, {})
    step_us = step_back_us(latest, reading)  # the row may be by a clock that was ahead
    memories = moved_memories(_since_last(state, latest), step_us)
    return follow(placed_before(latest, reading), memories, reading, limits, asleep=True)


def _since_last(state: ValidatorState, latest: Reading) -> dict[Direction, RegisterMemory]:
    """What is remembered of the held row: a register that stands in all of it may stand since what is booked last."""
    memories = dict(state.held_memories)
    if state.held_first is None or state.last is None:
        return memories
    first = registers_of(state.held_first.snapshot)
    for direction, register in registers_of(latest.snapshot).items():
        if direction in first and first[direction].milliwh == register.milliwh:
            memory = memories.get(direction, ORDINARY)
            memories[direction] = msgspec.structs.replace(memory, stood_since_us=state.last.earliest_us)
    return memories


def of_the_others(state: ValidatorState, line: Followed, limits: Limits) -> tuple[Doubt, ...]:
    """Of registers that count on while another stands where it fell to: they may be of another meter altogether."""
    if state.last is None:
        return ()
    return _doubts(state, state.last, state.last, line, limits, jumped=True, stood=True)


def of_rollover(state: ValidatorState, line: Followed, limits: Limits) -> tuple[Doubt, ...]:
    """Of registers that rolled over: it may have been a reset, if they stood still before or where they fell to, showed
    something else meanwhile, or came back with a 0."""
    stood = state.held_reason is not Reason.ROLLED_OVER
    if state.last is None or state.held_first is None:
        return ()
    shown = registers_of(state.held_first.snapshot)
    began_at_zero = any(direction in shown and shown[direction].milliwh == 0 for direction in line.widths_milliwh)
    stood_lost = any(direction in state.doubted for direction in line.widths_milliwh)
    if not (state.held_again or stood or began_at_zero or stood_lost):
        return ()
    return _doubts(state, state.last, state.last, line, limits, jumped=True, stood=stood)


def _doubts(
    state: ValidatorState,
    last: Reading,
    first: Reading,
    line: Followed,
    limits: Limits,
    *,
    jumped: bool,
    stood: bool = False,
) -> tuple[Doubt, ...]:
    """In the other case anything between nothing and all that the service carries has flowed; after a fall, what the
    row has, and before it what the service carries."""
    held = registers_of(first.snapshot)
    found: list[Doubt] = []
    for direction, now in registers_of(line.reading.snapshot).items():
        since = last if direction in registers_of(last.snapshot) else state.lost.get(direction)
        if since is None or (direction not in held and not jumped):
            continue
        memory, before = state.memories.get(direction), registers_of(since.snapshot)[direction]
        grown_milliwh = now.milliwh - before.milliwh
        digits_milliwh = before.resolution_milliwh + now.resolution_milliwh + now.rounding_milliwh
        most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(since, line.reading))
        more_milliwh, less_milliwh = most_milliwh - grown_milliwh, grown_milliwh
        if not jumped:
            shown_milliwh = before.milliwh - (0 if memory is None else memory.rolled_over_milliwh)
            less_milliwh = held[direction].milliwh - shown_milliwh
            counts = _that_counts(state, first, direction)
            if counts is not None:
                before_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(since, counts))
                fell_milliwh = shown_milliwh - registers_of(counts.snapshot)[direction].milliwh
                more_milliwh = min(more_milliwh, before_milliwh + fell_milliwh)
        doubt_milliwh, earlier_milliwh, since_us = max(more_milliwh, less_milliwh, 0) + digits_milliwh, 0, 0
        if since is not last:
            earlier_milliwh, since_us = doubt_milliwh, since.earliest_us
        if stood and grown_milliwh:
            since_us = min(since.earliest_us, may_stand_since_us(memory, since))
            open_milliwh = max(grown_milliwh, beyond_zero_milliwh(before, now, memory, line.reading, since_us, limits))
            earlier_milliwh = max(earlier_milliwh, open_milliwh + digits_milliwh)
            doubt_milliwh = max(doubt_milliwh, earlier_milliwh)
        found.append(Doubt(direction, doubt_milliwh, earlier_milliwh, since_us))
    return tuple(found)


def _that_counts(state: ValidatorState, first: Reading, direction: Direction) -> Reading | None:
    """The reading of the row from which on its register surely counts: a 0 may still be the old meter's fault."""
    for one in (first, state.held_moved):
        if one is not None and registers_of(one.snapshot)[direction].milliwh:
            return one
    return None


def of_doubted(state: ValidatorState, line: Followed, reading: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """Of a lost direction that is back on its line with `reading`, but can have come there from where it stood as well;
    and of one beside it that stood still as long, or may have begun at 0 with it, and gives at once: it may have been
    as wrong."""
    found: list[Doubt] = []
    for direction, milliwh in state.doubted.items():
        lost, now = state.lost.get(direction), registers_of(line.reading.snapshot).get(direction)
        if lost is None or now is None:
            continue
        if state.last is not None:
            shown = registers_of(reading.snapshot)
            begun = {one.direction: one for one in _of_begun_beside(state, state.last, line.reading, direction, limits)}
            woken = of_woken_beside(state.last, state.memories, line.reading, shown, direction, lost.earliest_us)
            found += [*begun.values(), *(one for one in woken if one.direction not in begun)]
        before = registers_of(lost.snapshot)[direction]
        memory = state.memories.get(direction)
        shown_milliwh = now.milliwh - (0 if memory is None else memory.rolled_over_milliwh)
        most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(lost, line.reading))
        more_milliwh = most_milliwh - (now.milliwh - before.milliwh) + before.resolution_milliwh
        ahead_milliwh = shown_milliwh - milliwh
        # What it jumped by, if it jumped, flowed or did not.
        open_milliwh = max(more_milliwh, now.milliwh - before.milliwh - ahead_milliwh + before.resolution_milliwh)
        if -max(before.resolution_milliwh, now.resolution_milliwh) <= ahead_milliwh < 0:
            ahead_milliwh = 0  # the display steps back by a last digit
        elif ahead_milliwh < 0:  # from there it may have passed its width
            ahead_milliwh += now.modulus_milliwh or 0
        if 0 <= ahead_milliwh <= most_milliwh + now.resolution_milliwh and open_milliwh > 0:
            found.append(Doubt(direction, open_milliwh, open_milliwh, lost.earliest_us))
    return tuple(found)


def _of_begun_beside(
    state: ValidatorState, last: Reading, booked: Reading, wrong: Direction, limits: Limits
) -> Iterator[Doubt]:
    """Of registers that counted on beside a `wrong` one, and showed no more than can have flowed since that was lost:
    they may have begun at 0 with it and give what they left out only now. It may have flowed at any time since."""
    lost, had = state.lost[wrong], registers_of(last.snapshot)
    most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(lost, last))
    for direction, now in registers_of(booked.snapshot).items():
        before, memory = had.get(direction), state.memories.get(direction)
        if direction is wrong or before is None or now.milliwh == before.milliwh:
            continue
        shown_milliwh = before.milliwh - (0 if memory is None else memory.rolled_over_milliwh)
        if shown_milliwh <= most_milliwh + before.resolution_milliwh + before.rounding_milliwh:
            digits_milliwh = before.resolution_milliwh + now.resolution_milliwh + now.rounding_milliwh
            open_milliwh = now.milliwh - before.milliwh + digits_milliwh
            yield Doubt(direction, open_milliwh, open_milliwh, lost.earliest_us)


def wider(one: Doubt, other: Doubt) -> Doubt:
    """Both told of the same register at once: the most of either, since the earlier."""
    earlier_milliwh = max(one.earlier_milliwh, other.earlier_milliwh)
    since_us = min(each.since_us for each in (one, other) if each.earlier_milliwh) if earlier_milliwh else 0
    return Doubt(one.direction, max(one.milliwh, other.milliwh), earlier_milliwh, since_us)


def of_absence(state: ValidatorState, first: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """Of a direction that was lost and begins anew: what flowed meanwhile is in no register. Nor is it in one that
    stood still all the time that another stood where it fell to."""
    found: list[Doubt] = []
    wrong = [state.lost[direction] for direction in state.doubted if direction in state.lost]
    for direction in registers_of(first.snapshot):
        memory = state.memories.get(direction)
        stood = [one for one in wrong if memory is not None and 0 < memory.stood_since_us <= one.latest_us]
        since = state.lost.get(direction) or next(iter(stood), None)
        if since is not None:
            most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(since, first))
            found.append(Doubt(direction, 0, most_milliwh, since.earliest_us))
    return tuple(found)


def of_woken(state: ValidatorState) -> tuple[Doubt, ...]:
    """Of registers that begin anew: what the old ones had kept back, as readings showed that nobody had believed."""
    last = state.last
    if last is None:
        return ()
    found: list[Doubt] = []
    for direction, milliwh in state.held_woken.items():
        since_us = may_stand_since_us(state.memories.get(direction), last)
        found.append(Doubt(direction, 0, milliwh, since_us))
        flowed_milliwh = state.held_flowed.get(direction, 0)
        if flowed_milliwh:
            # What can have flowed behind `last` is told with the epoch. It may as well have flowed before: each edge
            # until then can be wrong by all of it, and only in what such an edge bounds is it told here.
            found.append(Doubt(direction, 0, flowed_milliwh, since_us, last.latest_us))
    return tuple(found)


def of_fallen(state: ValidatorState, line: Followed, shown: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """Of registers that go on where a row, held for its clock, had counted more: they may have been reset behind it.

    `shown`: the reading as the meter shows it, as the held ones are; booked, it may be ahead by its rollovers.
    """
    fallen = {**state.held_fallen, **fallen_milliwh(state, shown, limits)}
    return tuple(Doubt(one, fallen[one]) for one in registers_of(line.reading.snapshot) if one in fallen)


def of_kept_back(state: ValidatorState, line: Followed, shown: Reading, limits: Limits) -> tuple[Doubt, ...]:
    """Of registers that go on where an earlier row, let go meanwhile, had shown that they stood still at the last
    accepted reading: what they grew by may have flowed at any time since they stood.

    Where that row had shown more than `shown` does, and this is no more than can have been counted from 0 since, they
    may have been reset behind it: then anything can have flowed since the last accepted reading.
    """
    if state.last is None:
        return ()
    now, had = registers_of(line.reading.snapshot), registers_of(state.last.snapshot)
    by_display = registers_of(shown.snapshot)
    found: list[Doubt] = []
    for direction in state.held_woken.keys() & now.keys() & (had.keys() | state.lost.keys()):
        last = state.last if direction in had else state.lost[direction]
        before = registers_of(last.snapshot)[direction]
        digits_milliwh = before.resolution_milliwh + now[direction].resolution_milliwh
        grown_milliwh = now[direction].milliwh - before.milliwh + digits_milliwh
        earlier_milliwh = open_milliwh = max(grown_milliwh, state.held_woken[direction])
        most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(last, line.reading)) + digits_milliwh
        row_milliwh = state.held_woken[direction] + state.held_flowed.get(direction, 0)
        if grown_milliwh < row_milliwh and by_display[direction].milliwh <= most_milliwh:
            open_milliwh = max(open_milliwh, most_milliwh - grown_milliwh + 2 * digits_milliwh)
        since_us = may_stand_since_us(state.memories.get(direction), last)
        found.append(Doubt(direction, open_milliwh, earlier_milliwh, since_us))
    return tuple(found)
