"""The operator's word on an exchange of meters: the old one's last registers, the new one's first.

With it nothing is lost between two register epochs. It is held against the readings and against what the service can
have carried, and refused where it contradicts them; said twice it is booked once. Pure: (state, statement, moment,
limits) -> outcome; `books` books it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from ..clock import LAST_CREDIBLE_US, ClockState
from ..decision import Doubt, Exchange, Limits, Opened, Reason, ValidatorState
from ..energy import Direction, registers_of
from ..reading.read import Reading
from .follow import Followed, follow
from .passed import changed_basis, clock_jumped
from .standing import of_closing
from .stated import Moment, registers_like, stated

STATED_WITHIN_US = 60_000_000
"""How exact a person's clock is."""
MOST_MILLIWH = 10**15

Milliwh = Annotated[int, Meta(ge=0, le=MOST_MILLIWH)]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was said. `at_us`: when the meters were exchanged; None: some time since the last reading of the old one."""

    meter: str
    closing_milliwh: dict[Direction, Milliwh]
    opening_milliwh: dict[Direction, Milliwh]
    at_us: int | None = None

    @property
    def exchange(self) -> Exchange:
        return Exchange(dict(self.closing_milliwh), dict(self.opening_milliwh))


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The exchange ends the open epoch: book `closing`, then open the next one with `opening`."""

    state: ValidatorState
    previous: Reading
    closing: Reading
    opening: Reading
    doubts: tuple[Doubt, ...]
    """What the closing registers leave open."""

    @property
    def booked_milliwh(self) -> dict[Direction, int]:
        """What the old meter counted after its last reading."""
        before = registers_of(self.previous.snapshot)
        after = registers_of(self.closing.snapshot)
        return {direction: after[direction].milliwh - register.milliwh for direction, register in before.items()}


@dataclass(frozen=True, slots=True)
class Restated:
    """The exchange is the one that has opened the epoch already: book what flowed around it."""

    state: ValidatorState
    opened: Opened
    closing_milliwh: Mapping[Direction, int]
    """As the account continues it."""
    opening_milliwh: Mapping[Direction, int]
    doubts: tuple[Doubt, ...] = ()
    """What the closing registers leave open of the time before the old meter's last reading."""

    @property
    def old_milliwh(self) -> dict[Direction, int]:
        """What the old meter counted after its last reading."""
        before = registers_of(self.opened.previous.snapshot)
        return {one: self.closing_milliwh[one] - register.milliwh for one, register in before.items()}

    @property
    def new_milliwh(self) -> dict[Direction, int]:
        """What the new meter counted before its first."""
        first = registers_of(self.opened.first.snapshot)
        return {one: register.milliwh - self.opening_milliwh[one] for one, register in first.items()}

    @property
    def booked_milliwh(self) -> dict[Direction, int]:
        new = self.new_milliwh
        return {direction: milliwh + new[direction] for direction, milliwh in self.old_milliwh.items()}


@dataclass(frozen=True, slots=True)
class Known:
    """It was said before, and is booked."""

    register_epoch: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It contradicts what is known."""

    why: str


Outcome = Exchanged | Restated | Known | Refused


def judge(state: ValidatorState, statement: Statement, moment: Moment, limits: Limits) -> Outcome:
    """What becomes of a statement."""
    if state.last is None:
        return Refused("no reading of this meter was ever booked: there is nothing to close")
    if moment.clock_state is ClockState.UNSYNCED or not limits.first_credible_us <= moment.wall_us < LAST_CREDIBLE_US:
        return Refused("the time of day is not known yet; say it again when the clock is set")
    if state.opened is not None and state.opened.exchange == statement.exchange:
        return Known(state.register_epoch)
    if (changed := changed_basis(state.basis, limits.basis)) is not None:
        return _incomparable(changed)
    present = registers_of(state.last.snapshot).keys()
    for name, given in (("closing", statement.closing_milliwh), ("opening", statement.opening_milliwh)):
        if given.keys() != present:
            return Refused(
                f"give the {name} register of each direction that the meter has: {', '.join(sorted(present))}"
            )
    opened = state.opened
    afterwards = opened is not None and opened.exchange is None
    if statement.at_us is not None:
        if opened is not None and afterwards and statement.at_us <= opened.first.latest_us:
            return _restate(state, opened, statement, moment, limits)
        return _exchange(state, state.last, statement, moment, limits)
    now = _exchange(state, state.last, statement, moment, limits)
    if opened is None or not afterwards:
        return now
    then = _restate(state, opened, statement, moment, limits)
    if not isinstance(now, Refused) and not isinstance(then, Refused):
        return Refused(
            "this may be the exchange that was noticed already, between"
            f" {_said(opened.previous.latest_us)} and {_said(opened.first.latest_us)}, or one since then:"
            " say which with --at TIME"
        )
    if isinstance(now, Refused) and isinstance(then, Refused):
        return Refused(f"as an exchange since the last reading: {now.why}; as the one noticed before: {then.why}")
    return then if isinstance(now, Refused) else now


def _exchange(state: ValidatorState, last: Reading, said: Statement, moment: Moment, limits: Limits) -> Outcome:
    """An exchange since the last accepted reading."""
    held = state.held_first
    if clock_jumped(last, stated(last, said.closing_milliwh, state.memories, (moment.wall_us, moment.wall_us), moment)):
        return Refused(
            f"the clock has leapt ahead to {_said(moment.wall_us)}; say it again when readings are booked by it"
        )
    if state.held_reason is Reason.CLOCK_JUMPED:
        return Refused("readings are held because the clock leapt ahead; say it again when they are booked or gone")
    if held is not None and held.serial is not None and held.serial == last.serial:
        return Refused(f"the meter that answers now has still the number {held.serial}")
    window = _window(last.latest_us, moment.wall_us if held is None else held.latest_us, said.at_us)
    if isinstance(window, Refused):
        return window
    closing = stated(last, said.closing_milliwh, state.memories, window, moment)
    line = follow(last, state.memories, closing, limits)
    if line.objection not in (None, Reason.ROLLED_OVER):
        return _contradiction(line, last, said.closing_milliwh, limits)
    opening = stated(last, said.opening_milliwh, state.memories, window, moment)
    opening = replace(opening, serial=None if state.held_latest is None else state.held_latest.serial)
    if held is not None and follow(opening, {}, held, limits).objection is not None:
        return Refused(f"the meter that answers now showed {_registers(held)}: that is not counted on from the opening")
    opened = Opened(line.reading, opening, line.memories, said.exchange, state.basis)
    begun = ValidatorState(
        register_epoch=state.register_epoch + 1,
        last=opening,
        basis=limits.basis,
        opened=opened,
    )
    doubts = (*line.doubts, *of_closing(last, line.reading, line.memories, limits))
    return Exchanged(begun, last, line.reading, opening, doubts)


def _restate(state: ValidatorState, opened: Opened, said: Statement, moment: Moment, limits: Limits) -> Outcome:
    """The exchange that has opened the epoch."""
    previous, first = opened.previous, opened.first
    if (changed := changed_basis(opened.basis, limits.basis)) is not None:
        return _incomparable(changed)
    for one in (previous, first):
        if registers_of(one.snapshot).keys() != said.closing_milliwh.keys():
            return Refused("old and new meter do not have the same directions: nothing can be said of both")
    window = _window(previous.latest_us, first.latest_us, said.at_us)
    if isinstance(window, Refused):
        return window
    closing = stated(previous, said.closing_milliwh, opened.memories, window, moment)
    closing = replace(closing, boot_id=first.boot_id, monotonic_us=first.monotonic_us - first.latest_us + window[1])
    line = follow(previous, opened.memories, closing, limits)
    if line.objection not in (None, Reason.ROLLED_OVER):
        return _contradiction(line, previous, said.closing_milliwh, limits)
    opening = replace(closing, snapshot=registers_like(first, said.opening_milliwh, {}), serial=None)
    if follow(opening, {}, first, limits).objection is not None:
        return Refused(
            f"the new meter's first reading showed {_registers(first)}: that is not counted on from the opening"
        )
    shown = registers_of(first.snapshot)
    return Restated(
        msgspec.structs.replace(state, opened=msgspec.structs.replace(opened, exchange=said.exchange)),
        opened,
        {direction: register.milliwh for direction, register in registers_of(line.reading.snapshot).items()},
        # An opening may be above what was read by less than a digit.
        {direction: min(milliwh, shown[direction].milliwh) for direction, milliwh in said.opening_milliwh.items()},
        tuple(replace(one, milliwh=0) for one in line.doubts if one.earlier_milliwh),
    )


def _incomparable(changed: Reason) -> Refused:
    return Refused(
        f"the config reads this meter in another way than the old one was read ({changed.value}): their registers"
        " cannot be compared. State an exchange by the config that the old meter was read with, before it is changed"
    )


def _window(from_us: int, to_us: int, at_us: int | None) -> tuple[int, int] | Refused:
    """When it was: some time in between, or within a minute of what is said."""
    if at_us is not None:
        if not from_us - STATED_WITHIN_US <= at_us <= to_us + STATED_WITHIN_US:
            return Refused(
                f"{_said(at_us)} is not between {_said(from_us)} (last reading of the old meter) and {_said(to_us)}"
            )
        from_us, to_us = max(from_us, at_us - STATED_WITHIN_US), min(to_us, at_us + STATED_WITHIN_US)
    if to_us - from_us < 2:
        return Refused("the last reading of the old meter is of this very moment; say it again in a second")
    return from_us + 1, to_us


def _contradiction(line: Followed, last: Reading, closing_milliwh: Mapping[Direction, int], limits: Limits) -> Refused:
    what = "less than was read already" if line.objection is Reason.WENT_BACKWARDS else "more than can have flowed"
    said = ", ".join(f"{direction} {_wh(milliwh)} Wh" for direction, milliwh in closing_milliwh.items())
    return Refused(
        f"the closing registers ({said}) are {what}: at {_said(last.latest_us)} the meter showed {_registers(last)},"
        f" and the service carries {limits.limit_milliw // 1_000_000} kW at most."
        " If its display was coarser than that, give the register that was read last"
    )


def _registers(reading: Reading) -> str:
    registers = registers_of(reading.snapshot).items()
    return ", ".join(f"{direction} {_wh(register.milliwh)} Wh" for direction, register in registers)


def _wh(milliwh: int) -> str:
    return f"{milliwh // 1000}.{milliwh % 1000:03d}".rstrip("0").rstrip(".")


def _said(utc_us: int) -> str:
    return datetime.fromtimestamp(utc_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
