"""Whether a reading is of the same registers counting on from the one before it, and how it is then booked.

A booked register never falls and never rolls over: a step back within a last digit is held at the old value, with the
truth inside its bounds; a rollover of the declared width is unrolled. Everything is bounded by what the service can
carry. Nothing here decides to begin anew: it objects, and `validate` decides. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from drivers import EnergyRegister

from ..clock_steps import UNKNOWN_US, is_of_unknown_age, measured_step_us
from ..decision import Doubt, Limits, Note, NoteKind, Reason, RegisterMemory
from ..energy import Direction, registers_of
from ..reading.read import Reading
from ..uncertainty import most_energy_milliwh
from .frozen import CLOSE_US, ORDINARY, all_stand_since_us, may_be_frozen_since_us, watch_still
from .passed import elapsed_us, may_stand_since_us, since_lost_us
from .register_step import step_of
from .stepped_back import Way, is_told_of_reset, of_reset

SAME_REGISTERS = (None, Reason.NOT_AVAILABLE)
"""Objections under which what is there counts on from the last accepted reading."""
GRAVEST = (Reason.METER_REPLACED, Reason.WENT_BACKWARDS, Reason.IMPOSSIBLE_JUMP, Reason.ROLLED_OVER)
NO_READINGS: Mapping[Direction, Reading] = {}


@dataclass(slots=True)
class Followed:
    """One reading held against the line before it. Where `objection` is none of `GRAVEST`, it can be booked."""

    reading: Reading
    memories: dict[Direction, RegisterMemory]
    objection: Reason | None = None
    notes: list[Note] = field(default_factory=list)
    frozen: set[Direction] = field(default_factory=set)
    widths_milliwh: dict[Direction, int] = field(default_factory=dict)
    """Of the registers that rolled over."""
    objections: dict[Direction, Reason] = field(default_factory=dict)
    """By register."""
    doubts: list[Doubt] = field(default_factory=list)


def follow(
    previous: Reading,
    memories: Mapping[Direction, RegisterMemory],
    reading: Reading,
    limits: Limits,
    lost: Mapping[Direction, Reading] = NO_READINGS,
    *,
    asleep: bool = False,
) -> Followed:
    """Hold `reading` against `previous`. A direction that is back is held against its last reading, in `lost`.

    `asleep`: a register that stood still may give all at once that the service can have carried since it stood.
    """
    shown, had = registers_of(reading.snapshot), registers_of(previous.snapshot)
    result = Followed(reading, dict(memories))
    objections: set[Reason] = set()
    if previous.serial is not None and reading.serial is not None and previous.serial != reading.serial:
        objections.add(Reason.METER_REPLACED)
    booked = dict(shown)
    ways: dict[Direction, Way] = {}
    passed_us = elapsed_us(previous, reading)
    for direction, register in shown.items():
        if direction in had:
            before, most_us = had[direction], passed_us
        elif direction in lost:
            before = registers_of(lost[direction].snapshot)[direction]
            most_us = since_lost_us(lost[direction], previous, reading)
        else:
            continue
        memory = memories.get(direction, ORDINARY)
        if asleep:
            most_us = max(most_us, reading.latest_us - may_stand_since_us(memory, previous) + memory.longer_us)
        most_milliwh = most_energy_milliwh(limits.limit_milliw, most_us)
        step = step_of(before, memory, register, most_milliwh)
        ways[direction] = Way(before, step.now, register, most_milliwh, memory.reset_told)
        if step.objection is not None:
            objections.add(step.objection)
            result.objections[direction] = step.objection
        if step.objection is Reason.ROLLED_OVER and register.modulus_milliwh is not None:
            result.widths_milliwh[direction] = register.modulus_milliwh
        for kind, detail in step.notes:
            result.notes.append(Note(kind, direction, detail))
            if kind is NoteKind.ROLLOVER_POSSIBLE:
                result.doubts.append(Doubt(direction, detail["width_milliwh"] * detail["times_at_most"]))
        if direction not in had and step.now.resolution_milliwh > before.resolution_milliwh:
            # What flowed while it was lost is behind its coarser digit: of any bucket since then.
            digits_milliwh = before.resolution_milliwh + step.now.resolution_milliwh + step.now.rounding_milliwh
            result.doubts.append(Doubt(direction, 0, digits_milliwh, lost[direction].earliest_us))
        ahead_milliwh = register.milliwh + step.memory.rolled_over_milliwh - step.now.milliwh
        if step.objection is None and ahead_milliwh > 0:
            since_us = may_stand_since_us(memory, previous)
            stood_milliwh = most_energy_milliwh(limits.limit_milliw, reading.latest_us - since_us + memory.longer_us)
            open_milliwh = min(ahead_milliwh + register.resolution_milliwh, stood_milliwh + before.resolution_milliwh)
            # Booked as rounded up by its coarser digit; it may as well have stood, and given all at once.
            result.doubts.append(Doubt(direction, open_milliwh, open_milliwh, since_us))
        booked[direction] = step.now
        if step.memory is not ORDINARY or direction in result.memories:
            _remember(result, direction, step.memory)
    watch_still(result, previous, had, booked, limits)
    if limits.remembers_standing:
        _remember_standing(result, previous, had, booked)
        _remember_found(result, lost, had, booked)
    result.reading = _with_registers(reading, booked)
    result.doubts += _of_waking(result, previous, memories, shown, limits, lost)
    result.doubts += _of_leap(result, previous, memories, limits)
    result.doubts += _of_finding(result, limits)
    _tell_resets(result, ways)
    missing = had.keys() - shown.keys()
    worst = next((reason for reason in GRAVEST if reason in objections), None)
    result.objection = worst or (Reason.NOT_AVAILABLE if missing else None)
    return result


def _tell_resets(result: Followed, ways: Mapping[Direction, Way]) -> None:
    doubts = list(of_reset(result.notes, ways))
    result.doubts += doubts
    for direction, way in ways.items():
        memory, is_told = result.memories.get(direction, ORDINARY), is_told_of_reset(way, doubts, direction)
        if is_told is not memory.reset_told:
            _remember(result, direction, msgspec.structs.replace(memory, reset_told=is_told))


def _of_waking(
    result: Followed,
    previous: Reading,
    memories: Mapping[Direction, RegisterMemory],
    shown: Mapping[Direction, EnergyRegister],
    limits: Limits,
    lost: Mapping[Direction, Reading],
) -> Iterator[Doubt]:
    """What a register leaves open that stood still although power flowed, and moves again.

    Of a frozen one each edge has told what can have flowed, but of the time before that in which all stood. One that
    gives more than can have flowed since it was read last stood too, by its power, but no edge has told it all. One
    beside it that moves at once with it may have stood as long: power that flows the other way does not show that.
    """
    now = registers_of(result.reading.snapshot)
    before_each = {**lost, **dict.fromkeys(registers_of(previous.snapshot), previous)}
    for direction, last in before_each.items():
        before, memory = registers_of(last.snapshot)[direction], memories.get(direction, ORDINARY)
        since_us = memory.stood_since_us or last.earliest_us - CLOSE_US
        if memory.still is not None and memory.still.frozen and direction not in now:
            # It may move again where nobody reads it: so may one beside it that has not moved since it was read.
            beside = {one: each for one, each in memories.items() if each.stood_since_us < last.earliest_us}
            yield from of_woken_beside(previous, beside, result.reading, shown, direction, since_us)
        if memory.still is None or direction not in now or now[direction].milliwh == before.milliwh:
            continue
        grown_milliwh = now[direction].milliwh - before.milliwh
        if not memory.still.frozen:
            digits_milliwh = (memory.digit_milliwh or before.resolution_milliwh) + now[direction].rounding_milliwh
            awake_milliwh = most_energy_milliwh(limits.limit_milliw, elapsed_us(last, result.reading))
            if grown_milliwh <= awake_milliwh + digits_milliwh:
                continue
        open_milliwh = grown_milliwh
        if memory.still.frozen:
            told_us = may_be_frozen_since_us(memory, memory.still)
            if last is previous:
                since_us = all_stand_since_us(registers_of(previous.snapshot), memories) or told_us
            open_milliwh = min(grown_milliwh, most_energy_milliwh(limits.limit_milliw, told_us - since_us))
        if open_milliwh:
            yield Doubt(direction, open_milliwh, open_milliwh, since_us)
        yield from of_woken_beside(previous, memories, result.reading, shown, direction, since_us)


def _of_finding(result: Followed, limits: Limits) -> Iterator[Doubt]:
    """What a register leaves open that is called frozen now. Edges from now on tell it themselves; those that passed
    since it may stand have not, and it need not ever move again."""
    for note in result.notes:
        memory = result.memories.get(note.direction, ORDINARY)
        if note.kind is NoteKind.FROZEN and memory.still is not None:
            since_us, found_us = may_be_frozen_since_us(memory, memory.still), result.reading.latest_us
            most_milliwh = most_energy_milliwh(limits.limit_milliw, found_us - since_us)
            yield Doubt(note.direction, most_milliwh, most_milliwh, since_us, found_us)


def _of_leap(
    result: Followed, previous: Reading, memories: Mapping[Direction, RegisterMemory], limits: Limits
) -> Iterator[Doubt]:
    """Of registers that grew by more than monotonic time allows, behind a clock that leapt ahead: the machine stood
    still, or they had stood before and gave at once. Then it may have flowed at any time since they stood."""
    step_us, reading = measured_step_us(previous, result.reading), result.reading
    if step_us is None or step_us <= 0:
        return
    passed_us = reading.monotonic_us - previous.monotonic_us + previous.latest_us - previous.earliest_us
    yield from of_more_than_passed(previous, memories, reading, passed_us, limits)


def of_more_than_passed(
    previous: Reading, memories: Mapping[Direction, RegisterMemory], reading: Reading, passed_us: int, limits: Limits
) -> Iterator[Doubt]:
    """Of registers that grew by more than the service carries in the time that passed: any time since they stood."""
    most_milliwh = most_energy_milliwh(limits.limit_milliw, passed_us)
    had = registers_of(previous.snapshot)
    for direction, now in registers_of(reading.snapshot).items():
        before = had.get(direction)
        if before is None:
            continue
        grown_milliwh = now.milliwh - before.milliwh
        digits_milliwh = before.resolution_milliwh + now.resolution_milliwh + now.rounding_milliwh
        if grown_milliwh > most_milliwh + before.resolution_milliwh + now.rounding_milliwh:
            since_us = may_stand_since_us(memories.get(direction), previous)
            yield Doubt(direction, grown_milliwh + digits_milliwh, grown_milliwh + digits_milliwh, since_us)


def of_woken_beside(
    previous: Reading,
    memories: Mapping[Direction, RegisterMemory],
    booked: Reading,
    shown: Mapping[Direction, EnergyRegister],
    wrong: Direction,
    since_us: int,
) -> Iterator[Doubt]:
    """Of the register beside one that was `wrong` since then: where it stood too and moves at once with it, what it
    grew by may have flowed at any time since; and what a digit hides that has become coarser, in `shown`."""
    had = registers_of(previous.snapshot)
    for direction, now in registers_of(booked.snapshot).items():
        before, stood_us = had.get(direction), memories.get(direction, ORDINARY).stood_since_us
        if direction is wrong or before is None or not stood_us:
            continue
        digit_milliwh = max(now.resolution_milliwh, shown[direction].resolution_milliwh)
        if now.milliwh == before.milliwh and digit_milliwh <= before.resolution_milliwh:
            continue
        digits_milliwh = before.resolution_milliwh + digit_milliwh + now.rounding_milliwh
        open_milliwh = now.milliwh - before.milliwh + digits_milliwh
        yield Doubt(direction, open_milliwh, open_milliwh, max(stood_us, since_us))


def _remember_standing(
    result: Followed,
    previous: Reading,
    had: Mapping[Direction, EnergyRegister],
    booked: Mapping[Direction, EnergyRegister],
) -> None:
    """Remember since when a register may stand where it is: since just after the reading before the one that moved it.

    Where readings are close, that is a moment before the first that shows it, and needs no remembering.
    """
    moved_us = previous.earliest_us if result.reading.latest_us - previous.earliest_us > CLOSE_US else 0
    for direction, before in had.items():
        now, memory = booked.get(direction), result.memories.get(direction, ORDINARY)
        if now is None:
            continue
        since_us, longer_us = moved_us, 0
        if now.milliwh == before.milliwh:
            # Where the clock was set back over a restart, `previous` has a later time than this reading.
            since_us = memory.stood_since_us or min(previous.earliest_us, result.reading.earliest_us) - CLOSE_US
            longer_us = UNKNOWN_US if is_of_unknown_age(previous, result.reading) else memory.longer_us
        if (since_us, longer_us) != (memory.stood_since_us, memory.longer_us):
            memory = msgspec.structs.replace(memory, stood_since_us=since_us, longer_us=longer_us)
            _remember(result, direction, memory)


def _remember_found(
    result: Followed,
    lost: Mapping[Direction, Reading],
    had: Mapping[Direction, EnergyRegister],
    booked: Mapping[Direction, EnergyRegister],
) -> None:
    """The same of registers that are found: they may stand since the reading with which they were lost."""
    for direction in booked.keys() & lost.keys() - had.keys():
        memory, since_us = result.memories.get(direction, ORDINARY), lost[direction].earliest_us
        if registers_of(lost[direction].snapshot)[direction].milliwh == booked[direction].milliwh:
            since_us = min(memory.stood_since_us or since_us, since_us)
        _remember(result, direction, msgspec.structs.replace(memory, stood_since_us=since_us))


def _remember(result: Followed, direction: Direction, memory: RegisterMemory) -> None:
    if memory == ORDINARY:
        result.memories.pop(direction, None)
    else:
        result.memories[direction] = memory


def _with_registers(reading: Reading, booked: Mapping[Direction, EnergyRegister]) -> Reading:
    energy_import, energy_export = booked.get(Direction.IMPORT), booked.get(Direction.EXPORT)
    snapshot = reading.snapshot
    if energy_import is snapshot.energy_import and energy_export is snapshot.energy_export:
        return reading
    return replace(reading, snapshot=replace(snapshot, energy_import=energy_import, energy_export=energy_export))
