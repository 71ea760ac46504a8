"""The validate step: is this reading the same meter, counting on? Pure: (state, reading, limits) -> (state, decision).

Neither wrong rule of the field is used here: a fallen register is never taken as the new baseline at once
(one momentary zero would book the lifetime total), and never refused for ever (a swapped meter would stop
the account). It is quarantined, and becomes a new register epoch only when further readings count on from it.
A rejected reading costs no energy: the register is cumulative, and the next good one carries it all.
A wall clock that leaps ahead is held in the same way: one wrong time must not close the intervals of years.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

import msgspec

from .clock import DRIFT_PPM, FIRST_CREDIBLE_US, LAST_CREDIBLE_US
from .energy import Direction, registers_of
from .read import Reading
from .uncertainty import most_energy_milliwh

CLOCK_JUMP_US = 600_000_000
"""A wall clock that moves this far against monotonic time, beyond slewing, has to be confirmed."""


NOTHING_LOST: Mapping[Direction, Reading] = MappingProxyType({})


class Reason(StrEnum):
    """Why a reading is not simply booked."""

    FIRST_READING = "first_reading"
    UNCONFIRMED = "unconfirmed"
    NOT_AVAILABLE = "not_available"
    WENT_BACKWARDS = "went_backwards"
    IMPOSSIBLE_JUMP = "impossible_jump"
    METER_REPLACED = "meter_replaced"
    TIME_NOT_ADVANCED = "time_not_advanced"
    CLOCK_NOT_SET = "clock_not_set"
    CLOCK_JUMPED = "clock_jumped"


class ValidatorState(msgspec.Struct, frozen=True):
    """What is remembered of a meter: the last accepted reading, and readings in quarantine, oldest and newest."""

    register_epoch: int = 0
    last: Reading | None = None
    held_reason: Reason | None = None
    held_first: Reading | None = None
    held_latest: Reading | None = None
    held_count: int = 0
    lost: dict[Direction, Reading] = {}
    """Directions that the meter no longer has, each with the last accepted reading that had it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Physics and patience. `confirm_span_us` is pipeline monotonic time."""

    limit_milliw: int
    confirm_readings: int = 5
    confirm_span_us: int = 60_000_000
    first_credible_us: int = FIRST_CREDIBLE_US


@dataclass(frozen=True, slots=True)
class Accepted:
    """Book it."""

    reading: Reading


@dataclass(frozen=True, slots=True)
class Rejected:
    """Do not book it; nothing about the meter's identity is in doubt."""

    reason: Reason
    previous: Reading | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Do not book it yet: either it or the account's idea of the meter is wrong. More readings will tell."""

    reason: Reason
    previous: Reading | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """The registers began anew: open `register_epoch` with `first`, then book `reading`."""

    reason: Reason
    register_epoch: int
    previous: Reading | None
    first: Reading
    reading: Reading


@dataclass(frozen=True, slots=True)
class Waiting:
    """The time of day is not known yet: kept, and decided on when it is. Never an answer of `validate`."""

    reading: Reading


Decision = Accepted | Rejected | Quarantined | NewEpoch | Waiting


def validate(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Decide on one reading. The returned state belongs to the decision and is stored with it."""
    reading = replace(reading, snapshot=replace(reading.snapshot, others={}))
    if not limits.first_credible_us <= reading.instant_us < LAST_CREDIBLE_US:
        return state, Rejected(Reason.CLOCK_NOT_SET, state.last, reading)
    if not registers_of(reading.snapshot):
        return state, Rejected(Reason.NOT_AVAILABLE, state.last, reading)
    if state.last is None:
        return _confirm_first(state, reading, limits)
    if reading.instant_us <= state.last.instant_us:
        return state, Rejected(Reason.TIME_NOT_ADVANCED, state.last, reading)
    if clock_jumped(state.last, reading):
        return _hold(state, Reason.CLOCK_JUMPED, reading, limits)
    reason = _objection(state.last, reading, limits, state.lost)
    if reason is None:
        return _accept(state, reading), Accepted(reading)
    return _hold(state, reason, reading, limits)


def clock_jumped(previous: Reading, reading: Reading) -> bool:
    """Whether the wall clock leapt ahead of the monotonic clock between two readings of one boot."""
    if previous.boot_id != reading.boot_id:
        return False
    monotonic_us = reading.monotonic_us - previous.monotonic_us
    slewed_us = max(monotonic_us, 0) * DRIFT_PPM // 1_000_000
    return reading.latest_us - previous.latest_us - monotonic_us > CLOCK_JUMP_US + slewed_us


def _accept(state: ValidatorState, reading: Reading) -> ValidatorState:
    if reading.serial is None and state.last is not None:
        # The identity block could not be read this time: who it was is still known.
        reading = replace(reading, serial=state.last.serial)
    had = {} if state.last is None else dict.fromkeys(registers_of(state.last.snapshot), state.last)
    has = registers_of(reading.snapshot)
    lost = {direction: last for direction, last in {**state.lost, **had}.items() if direction not in has}
    return ValidatorState(register_epoch=state.register_epoch, last=reading, lost=lost)


def _objection(
    previous: Reading, reading: Reading, limits: Limits, lost: Mapping[Direction, Reading] = NOTHING_LOST
) -> Reason | None:
    """Why `reading` cannot be the same registers counting on from `previous`; None if it can.

    A direction that is back is held against its last reading. One that is missing is the last to be objected to.
    """
    if previous.serial is not None and reading.serial is not None and previous.serial != reading.serial:
        return Reason.METER_REPLACED
    registers = registers_of(reading.snapshot)
    known = {**lost, **dict.fromkeys(registers_of(previous.snapshot), previous)}
    for direction, now in registers.items():
        if direction not in known:
            continue
        before = registers_of(known[direction].snapshot)[direction]
        if now.milliwh < before.milliwh:
            return Reason.WENT_BACKWARDS
        most_milliwh = most_energy_milliwh(limits.limit_milliw, _elapsed_us(known[direction], reading))
        if now.milliwh - now.rounding_milliwh >= before.milliwh + before.resolution_milliwh + most_milliwh:
            return Reason.IMPOSSIBLE_JUMP
    missing = registers_of(previous.snapshot).keys() - registers.keys()
    return Reason.NOT_AVAILABLE if missing else None


def _elapsed_us(previous: Reading, reading: Reading) -> int:
    """The longest time between two latches. In one boot the longer of both clocks, because a virtual machine that
    is paused stops the monotonic one; a wall clock that leapt ahead is held before it is asked here.
    """
    if previous.boot_id == reading.boot_id:
        passed_us = max(reading.monotonic_us - previous.monotonic_us, reading.latest_us - previous.latest_us)
        return passed_us + previous.latest_us - previous.earliest_us
    return reading.latest_us + reading.clock_error_us - previous.earliest_us + previous.clock_error_us


def _watched_us(first: Reading, reading: Reading) -> int:
    """How long a row of held readings has lasted; no wall clock can shorten it within one boot."""
    if first.boot_id == reading.boot_id:
        return reading.monotonic_us - first.monotonic_us
    return reading.latest_us - first.latest_us


def _counts_on(previous: Reading, reading: Reading, limits: Limits) -> bool:
    """Whether `reading` is by the same clock and of the same registers as the held one before it."""
    return (
        reading.instant_us > previous.instant_us
        and not clock_jumped(previous, reading)
        and _objection(previous, reading, limits) is None
        and _same_directions(previous, reading)
    )


def _confirm_first(state: ValidatorState, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """The first reading of a meter needs a second that agrees; it is asked for at once."""
    first = state.held_first
    if first is None or reading.instant_us <= first.instant_us:
        return _held(state, Reason.FIRST_READING, reading, reading, 1), Quarantined(Reason.FIRST_READING, None, reading)
    if _counts_on(first, reading, limits):
        epoch = state.register_epoch + 1
        decision = NewEpoch(Reason.FIRST_READING, epoch, None, first, reading)
        return ValidatorState(register_epoch=epoch, last=reading), decision
    held = _held(state, Reason.FIRST_READING, reading, reading, 1)
    return held, Rejected(Reason.UNCONFIRMED, first, reading)


def _hold(state: ValidatorState, reason: Reason, reading: Reading, limits: Limits) -> tuple[ValidatorState, Decision]:
    """Quarantine a reading; enough of them that count on from each other, over enough time, are believed."""
    first, latest = state.held_first, state.held_latest
    if first is None or latest is None or not _counts_on(latest, reading, limits):
        return _held(state, reason, reading, reading, 1), Quarantined(reason, state.last, reading)
    count, held_reason = state.held_count + 1, state.held_reason or reason
    if count >= limits.confirm_readings and _watched_us(first, reading) >= limits.confirm_span_us:
        return _believe(state, held_reason, reading, limits)
    return _held(state, held_reason, first, reading, count), Quarantined(held_reason, state.last, reading)


def _believe(
    state: ValidatorState, held_reason: Reason, reading: Reading, limits: Limits
) -> tuple[ValidatorState, Decision]:
    """What was held is so: registers that count on from the last accepted ones are booked, others begin anew."""
    if state.last is None or state.held_first is None:
        raise ValueError("nothing is held")
    reason = _objection(state.last, reading, limits, state.lost)
    if reason is None or reason is Reason.NOT_AVAILABLE:
        return _accept(state, reading), Accepted(reading)
    if held_reason not in (Reason.CLOCK_JUMPED, Reason.NOT_AVAILABLE):
        reason = held_reason
    epoch = state.register_epoch + 1
    decision = NewEpoch(reason, epoch, state.last, state.held_first, reading)
    return ValidatorState(register_epoch=epoch, last=reading), decision


def _held(state: ValidatorState, reason: Reason, first: Reading, latest: Reading, count: int) -> ValidatorState:
    return ValidatorState(
        register_epoch=state.register_epoch,
        last=state.last,
        held_reason=reason,
        held_first=first,
        held_latest=latest,
        held_count=count,
        lost=state.lost,
    )


def _same_directions(one: Reading, other: Reading) -> bool:
    directions: set[Direction] = set(registers_of(one.snapshot))
    return directions == set(registers_of(other.snapshot))
