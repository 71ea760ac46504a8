"""What a row of held readings has shown, whatever becomes of it: who is in question, who woke, who fell.

A row that is let go was believed by nobody, and may have been true: what its registers had kept back by then, or lost,
is remembered, and told with what is booked next. Which reading belongs to a row is not decided here. Pure.
"""

from collections.abc import Iterator, Mapping

from drivers import EnergyRegister

from ..decision import Doubt, Limits, NoteKind, Reason, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .follow import SAME_REGISTERS, Followed, follow
from .frozen import may_be_frozen_since_us
from .passed import elapsed_us

JUMPS = (Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP, Reason.ROLLED_OVER)
"""Reasons for which a register itself is in question."""
CLOCKS = (Reason.TIME_NOT_ADVANCED, Reason.CLOCK_JUMPED)
MAY_JUMP = (*JUMPS, *CLOCKS)
"""Reasons of a row whose registers may be in question: one that is held for its clock is not asked for them first."""
Woken = dict[Direction, tuple[int, int]]
"""What registers had kept back at the last accepted reading, and what of their growth can have flowed since."""


def in_question(state: ValidatorState, limits: Limits) -> frozenset[Direction]:
    """The registers of the row that cannot be those before, counted on; none where only clock or config is in doubt."""
    return frozenset(objections_to_row(state, limits))


def objections_to_row(state: ValidatorState, limits: Limits) -> dict[Direction, Reason]:
    """What is against each register of the row as one before, counted on, that may have stood till then."""
    if state.last is None or state.held_first is None or state.held_basis not in (None, state.basis):
        return {}
    return follow(state.last, state.memories, state.held_first, limits, state.lost, asleep=True).objections


def woken_by_row(state: ValidatorState, limits: Limits) -> Woken:
    """Of a row that is let go: what the registers had kept back at the last accepted reading, if they had stood still
    then and the row was them, awake again. What grew more than can have flowed in between; and all of one beside it
    that had stood as well."""
    last, first = state.last, state.held_first
    if last is None or first is None or state.held_reason not in MAY_JUMP:
        return {}
    if state.held_reason in CLOCKS and follow(last, state.memories, first, limits, state.lost).objection is None:
        return {}
    line = follow(last, state.memories, first, limits, state.lost, asleep=True)
    if line.objection not in (*SAME_REGISTERS, Reason.ROLLED_OVER):
        return {}
    shown = registers_of(first.snapshot)
    if any(not shown[direction].milliwh for direction in line.objections):
        return {}  # one that stood still until it shows a 0 was rather reset
    now = registers_of(line.reading.snapshot)
    flowed_milliwh = most_energy_milliwh(limits.limit_milliw, _between_us(last, first))
    found = _kept_back(state, _grown(registers_of(last.snapshot), now), flowed_milliwh)
    for direction, lost in state.lost.items():
        flowed_milliwh = most_energy_milliwh(limits.limit_milliw, _between_us(lost, first))
        kept_milliwh = _grown(registers_of(lost.snapshot), now).get(direction, 0) - flowed_milliwh
        if kept_milliwh > 0:
            found[direction] = kept_milliwh, flowed_milliwh
    return found


def _between_us(last: Reading, first: Reading) -> int:
    """The least time from one answer to the next question; in one boot whatever the wall clock did meanwhile."""
    if last.boot_id != first.boot_id:
        return first.earliest_us - last.latest_us
    return first.monotonic_us - last.monotonic_us - (first.latest_us - first.earliest_us)


def woken_in_row(state: ValidatorState, reading: Reading, limits: Limits) -> Woken:
    """The same of a row that is held for its clock, and still stood where the last accepted reading did: `reading`,
    which begins another or is booked, gives more than can have flowed since the newest of it."""
    last, latest = state.last, state.held_latest
    if last is None or latest is None or state.held_reason not in CLOCKS:
        return {}
    had, stood = registers_of(last.snapshot), registers_of(latest.snapshot)
    before = {one: register for one, register in stood.items() if one in had and had[one].milliwh == register.milliwh}
    line = follow(last, state.memories, reading, limits, state.lost, asleep=True)
    jumped = follow(latest, state.held_memories, reading, limits).objection is Reason.IMPOSSIBLE_JUMP
    if line.objection not in SAME_REGISTERS or not jumped:
        return {}
    passed_us = elapsed_us(latest, reading)
    if latest.boot_id == reading.boot_id:
        passed_us = reading.monotonic_us - latest.monotonic_us + latest.latest_us - latest.earliest_us
    flowed_milliwh = most_energy_milliwh(limits.limit_milliw, passed_us)
    return _kept_back(state, _grown(before, registers_of(reading.snapshot)), flowed_milliwh)


def _grown(before: Mapping[Direction, EnergyRegister], now: Mapping[Direction, EnergyRegister]) -> dict[Direction, int]:
    """The most that each register can have counted."""
    return {
        one: register.milliwh + register.resolution_milliwh - before[one].milliwh
        for one, register in now.items()
        if one in before
    }


def _kept_back(state: ValidatorState, grown: Mapping[Direction, int], flowed_milliwh: int) -> Woken:
    found = {
        direction: (milliwh - flowed_milliwh, flowed_milliwh)
        for direction, milliwh in grown.items()
        if milliwh > flowed_milliwh
    }
    for direction, memory in state.memories.items() if found else ():
        if memory.stood_since_us:  # one that is not shown may have stood as long
            found.setdefault(direction, (grown.get(direction, 0), 0))
    return found


def fallen_milliwh(state: ValidatorState, reading: Reading, limits: Limits) -> dict[Direction, int]:
    """Of a row that is held for its clock and had counted on from the last accepted reading, where `reading` shows less
    again: what is in no register, if they were reset behind it. None believed the row, but it may have been true."""
    last, latest = state.last, state.held_latest
    if last is None or latest is None or state.held_reason not in CLOCKS or state.held_basis != limits.basis:
        return {}
    had, held, now = registers_of(last.snapshot), registers_of(latest.snapshot), registers_of(reading.snapshot)
    known = [one for one in now if one in held and one in had]
    fell = any(
        held[one].milliwh - now[one].milliwh > held[one].resolution_milliwh + now[one].resolution_milliwh
        for one in known
    )
    either = (latest, reading) if fell else ()
    lines = [follow(last, state.memories, one, limits, state.lost) for one in either]
    if not fell or any(line.objection not in SAME_REGISTERS for line in lines):
        return {}
    behind_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(latest, reading))
    digits_milliwh = {one: held[one].resolution_milliwh + now[one].resolution_milliwh for one in known}
    found = {one: held[one].milliwh - now[one].milliwh + behind_milliwh + digits_milliwh[one] for one in known}
    return {direction: milliwh for direction, milliwh in found.items() if milliwh > 0}


def beside_gone_milliwh(state: ValidatorState, reading: Reading, limits: Limits) -> dict[Direction, int]:
    """Of registers beside those that a row showed as fallen, or jumped, and that are gone with `reading`: nobody will
    know what that was. If the meter was reset or exchanged, anything can have flowed since the one booked last."""
    last, shown = state.last, registers_of(reading.snapshot)
    if last is None or state.held_reason not in JUMPS or state.held_basis != limits.basis:
        return {}
    asked, had = in_question(state, limits), registers_of(last.snapshot)
    if not asked or asked & shown.keys():
        return {}
    most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(last, reading))
    grown = _grown(had, shown)
    return {one: max(most_milliwh - milliwh, milliwh) + shown[one].resolution_milliwh for one, milliwh in grown.items()}


def frozen_milliwh(state: ValidatorState, line: Followed, limits: Limits) -> dict[Direction, int]:
    """What the service can have carried while registers of the row were frozen, of those that have moved by `line`."""
    found = dict(state.held_frozen)
    for note in line.notes:
        memory = state.held_memories.get(note.direction)
        if note.kind is NoteKind.MOVES_AGAIN and memory is not None and memory.still is not None:
            stood_us = line.reading.latest_us - may_be_frozen_since_us(memory, memory.still)
            most_milliwh = most_energy_milliwh(limits.limit_milliw, stood_us)
            found[note.direction] = found.get(note.direction, 0) + most_milliwh
    return found


def of_frozen_in_row(state: ValidatorState, first: Reading, reading: Reading, limits: Limits) -> Iterator[Doubt]:
    """Of registers that begin anew with `first`, and were frozen in the row until they moved: no edge has told it."""
    most_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(first, reading))
    for direction, milliwh in state.held_frozen.items():
        yield Doubt(direction, min(milliwh, most_milliwh))
