"""What is remembered of a meter, where it stands by the clock that holds now, which was set back since. Pure.

A register that stands still since an hour, a direction that was lost an hour ago, the last booked reading, those
between which the epoch began: each has its instant by the clock of that time. Where the next reading shows by
monotonic time that the clock was set back, they are moved by the step before anything is reckoned with them; else less
time seems to have passed than did, and what the register gives then looks like more than can have flowed. Set on, they
stay: nobody can say whether the machine stood still. Over a restart of which nothing was seen all but the last reading
is moved, by the least that is possible, and how long a direction was lost, or a register stood, is not known from then
on. Moved for good only once a reading is booked.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from ..clock_steps import STEP_US, UNKNOWN_US, chained, drift_us, kept, measured_step_us, step_back_us, witness_of
from ..decision import Decision, Opened, Quarantined, Reason, RegisterMemory, Rejected, ValidatorState
from ..energy import Direction
from ..reading.read import Reading


def placed_by(state: ValidatorState, reading: Reading) -> tuple[ValidatorState, Reading | None]:
    """The state by the clock of `reading`, and the reading from which time has to go on: the last one as it was booked,
    so that a clock that is behind is held first; where that has been seen before a restart, as it stands now.
    """
    if state.last is None:
        return state, None
    seen = witness_of(state.last, reading, seen_since(state))
    steps_us = steps_since(state, reading)
    step_us = _back_us(steps_us) or step_back_us(state.last, seen)
    if step_us >= 0:
        return state, state.last
    lost = {direction: moved(one, step_us) for direction, one in state.lost.items()}
    set_us = 0 if state.opened is None else state.opened_set_us + step_us
    memories = moved_memories(state.memories, step_us)
    placed = msgspec.structs.replace(state, memories=memories, lost=lost, opened_set_us=set_us)
    if not steps_us and measured_step_us(state.last, seen) is None:
        lost = {direction: of_unknown_age(one) for direction, one in lost.items()}
        return msgspec.structs.replace(placed, lost=lost), state.last
    placed = msgspec.structs.replace(placed, last=moved(state.last, step_us))
    return placed, state.last if reading.boot_id == state.last.boot_id else placed.last


def of_unknown_age(reading: Reading) -> Reading:
    """A reading from before a restart of which nobody knows how long it took: it may be a week older."""
    return replace(reading, clock_error_us=UNKNOWN_US)


def placed_before(earlier: Reading, reading: Reading) -> Reading:
    """An earlier reading by the clock of `reading`: over a restart with an unseen step, the latest that it can be."""
    step_us = step_back_us(earlier, reading)
    if step_us >= 0:
        return earlier
    placed = moved(earlier, step_us)
    return of_unknown_age(placed) if earlier.boot_id != reading.boot_id else placed


def row_placed_by(state: ValidatorState, reading: Reading) -> ValidatorState:
    """The state with its held row by the clock of `reading`, where that was set on since the row began: a reading that
    had stood before the last booked one by a clock that was behind stands after it."""
    last = state.last
    if last is None:
        return state

    def placed(one: Reading | None) -> Reading | None:
        if one is None or one.boot_id != reading.boot_id or one.instant_us > last.instant_us:
            return one
        return moved(one, max(measured_step_us(one, reading) or 0, 0))

    row = {name: placed(getattr(state, name)) for name in ("held_first", "held_standing", "held_moved")}
    return msgspec.structs.replace(state, **row)


def seen_since(state: ValidatorState) -> Reading | None:
    """Of the readings since the last booked one the newest of its boot: it tells of the clock before a restart."""
    return state.seen or state.held_first


def steps_since(state: ValidatorState, reading: Reading) -> tuple[int, ...]:
    """How the clock was set since the last booked reading, where readings that were not booked saw it set back and on;
    else nothing, and it was set once or never.

    Their sum is not what is reckoned with: a virtual machine that is paused looks like a clock that is set on, and then
    more time has passed than the sum leaves. One by one they are right in either case.
    """
    return () if state.last is None else _one_by_one(state, state.last, reading)


def steps_in_row(state: ValidatorState, first: Reading, reading: Reading) -> tuple[int, ...]:
    """The same between `first` of the held row, with which a register epoch begins, and `reading`, which confirms it.

    Nothing where `first` was placed already: it is of a wrong time that is gone again.
    """
    if state.last is None or first.boot_id != state.last.boot_id:
        return ()  # another boot's steps are not remembered
    row = [one for one in (state.held_first, state.held_standing) if one is not None]
    if any(one.monotonic_us == first.monotonic_us and one.latest_us != first.latest_us for one in row):
        return ()
    return _one_by_one(state, first, reading)


def _one_by_one(state: ValidatorState, earlier: Reading, reading: Reading) -> tuple[int, ...]:
    """How the clock was set behind `earlier`, of the boot that was seen."""
    seen, one_boot = state.seen, reading.boot_id == earlier.boot_id
    if seen is None or not state.seen_steps:
        return ()
    steps_us: list[int] = []
    for monotonic_us, seen_us in state.seen_steps:
        if monotonic_us > earlier.monotonic_us and (not one_boot or monotonic_us < reading.monotonic_us):
            steps_us = chained(steps_us, seen_us)
    if reading.monotonic_us > seen.monotonic_us:
        steps_us = chained(steps_us, measured_step_us(seen, reading) or 0)
    elif one_boot:  # it was held itself, and may be placed by a later clock than it was read by
        steps_us = chained(steps_us, _beyond_drift_us(earlier, reading, sum(steps_us)))
    if not min(steps_us, default=0) < 0 < max(steps_us, default=0):
        return ()
    is_known = one_boot or reading.instant_us > earlier.instant_us + _back_us(steps_us)
    return tuple(steps_us) if is_known else ()


def _beyond_drift_us(earlier: Reading, reading: Reading, known_us: int) -> int:
    """How far the clock was set between both beyond what is known; 0 for what a clock can be off unnoticed."""
    passed_us = reading.monotonic_us - earlier.monotonic_us
    step_us = reading.latest_us - earlier.latest_us - passed_us - known_us
    return step_us if abs(step_us) > STEP_US + drift_us(passed_us) else 0


def _back_us(steps_us: Iterable[int]) -> int:
    return sum(min(one, 0) for one in steps_us)


def noted(state: ValidatorState, reading: Reading, decision: Decision) -> ValidatorState:
    """The state that remembers a reading which is not booked for its clock: a register may be as wrong as it will."""
    if not isinstance(decision, Quarantined | Rejected) or decision.reason is Reason.CLOCK_NOT_SET:
        return state
    latest = state.held_latest
    if isinstance(decision, Rejected) and latest is not None and latest.boot_id == reading.boot_id:
        state = msgspec.structs.replace(state, held_ends={**state.held_ends, reading.boot_id: bare(reading)})
    if state.last is None or reading.boot_id != state.last.boot_id:
        return state
    step_us = measured_step_us(state.seen or state.last, reading)
    steps = [*state.seen_steps, (reading.monotonic_us, step_us)] if step_us else state.seen_steps
    return msgspec.structs.replace(state, seen=bare(reading), seen_steps=kept(steps))


def unplaced(
    state: ValidatorState, placed: ValidatorState, after: ValidatorState, decision: Decision
) -> tuple[ValidatorState, Decision]:
    """What was decided by `placed`, with `state` as it was where nothing is booked: the next reading may show another
    clock."""
    if after.last is placed.last:
        after = msgspec.structs.replace(after, last=state.last, lost=state.lost, memories=state.memories)
        after = msgspec.structs.replace(after, opened_set_us=state.opened_set_us)
    if isinstance(decision, Quarantined | Rejected) and decision.previous is placed.last:
        decision = replace(decision, previous=state.last)
    return after, decision


def opening_of(state: ValidatorState) -> Opened | None:
    """How the epoch began, by the clock that holds now. The operator's word is held against it by the clock of then:
    a clock that was set on in between, and back again, was right."""
    opened, set_us = state.opened, state.opened_set_us
    if opened is None or not set_us:
        return opened
    previous, first = moved(opened.previous, set_us), moved(opened.first, set_us)
    memories = moved_memories(opened.memories, set_us)
    return msgspec.structs.replace(opened, previous=previous, first=first, memories=memories)


def bare(reading: Reading) -> Reading:
    """A reading for what it says of the clock alone."""
    return replace(reading, snapshot=replace(reading.snapshot, energy_import=None, energy_export=None))


def moved(reading: Reading, step_us: int) -> Reading:
    """The reading by a clock that was set by so much since."""
    return replace(reading, earliest_us=reading.earliest_us + step_us, latest_us=reading.latest_us + step_us)


def moved_memories(memories: Mapping[Direction, RegisterMemory], step_us: int) -> dict[Direction, RegisterMemory]:
    """What is remembered of registers, by a clock that was set by so much since."""
    found = dict(memories)
    for direction, memory in memories.items():
        if memory.stood_since_us:
            memory = msgspec.structs.replace(memory, stood_since_us=memory.stood_since_us + step_us)
        if (still := memory.still) is not None:
            still = msgspec.structs.replace(still, since_us=still.since_us + step_us)
            memory = msgspec.structs.replace(memory, still=still)
        found[direction] = memory
    return found
