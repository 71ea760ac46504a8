"""What was done to a meter's account, call by call, so that it can be done again from the store to the last bit.

A reading that was accepted as the meter showed it needs no word: booking it again is booking it. Everything else (a
register that was unrolled or held, a clock that was set, an epoch, an exchange) is a decision, and is kept beside its
reading, with what was booked. Nothing is decided here. docs/store.md
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from drivers import EnergyRegister, RegisterSnapshot

from ..buckets.accumulate import Accumulator
from ..buckets.bridge import Detail
from ..clock import ClockState
from ..decision import Doubt, Opened, ValidatorState
from ..energy import Direction, Interval
from ..reading.read import Reading
from ..registers.exchange import Restated
from ..timeline import Calendar
from .restate import restate, restore


class Register(msgspec.Struct, frozen=True, array_like=True):
    """A register as it was booked. Milliwatt-hours."""

    milliwh: int
    resolution_milliwh: int
    rounding_milliwh: int = 0
    unproven: bool = False


class BookedReading(msgspec.Struct, frozen=True, array_like=True):
    """What the accumulator looks at of a reading. UTC microseconds."""

    earliest_us: int
    latest_us: int
    clock_error_us: int
    energy_import: Register | None
    energy_export: Register | None

    def reading(self) -> Reading:
        """As the accumulator takes it."""
        both = (self.energy_import, self.energy_export)
        energy_import, energy_export = (
            None
            if one is None
            else EnergyRegister(one.milliwh, one.resolution_milliwh, one.rounding_milliwh, one.unproven)
            for one in both
        )
        return Reading(
            meter="",
            snapshot=RegisterSnapshot(energy_import, energy_export, None, True, {}),
            earliest_us=self.earliest_us,
            latest_us=self.latest_us,
            monotonic_us=0,
            boot_id="",
            clock_state=ClockState.SYNCED,
            clock_error_us=self.clock_error_us,
        )


def booked_reading(reading: Reading) -> BookedReading:
    """A reading reduced to what is booked of it."""
    both = (reading.snapshot.energy_import, reading.snapshot.energy_export)
    registers = [
        None if one is None else Register(one.milliwh, one.resolution_milliwh, one.rounding_milliwh, one.unproven)
        for one in both
    ]
    return BookedReading(reading.earliest_us, reading.latest_us, reading.clock_error_us, *registers)


class Add(msgspec.Struct, frozen=True, tag="add", omit_defaults=True):
    """`Accumulator.add`."""

    reading: BookedReading
    estimated: bool = False


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """`Accumulator.start_epoch`."""

    register_epoch: int
    reading: BookedReading


class ClockSet(msgspec.Struct, frozen=True, tag="clock_set", omit_defaults=True):
    """`Accumulator.doubt_clock_step`."""

    step_us: int
    passed_us: int | None = None


class GoBack(msgspec.Struct, frozen=True, tag="go_back"):
    """`Accumulator.go_back`."""

    step_us: int


class Unplaced(msgspec.Struct, frozen=True, tag="unplaced"):
    """`Accumulator.book_unplaced`."""

    reading: BookedReading


class Bridge(msgspec.Struct, frozen=True, tag="bridge"):
    """`Accumulator.bridge`."""

    reading: BookedReading
    counts_on: bool


class Move(msgspec.Struct, frozen=True, tag="move"):
    """`Accumulator.move`: by the names of the buckets that it was made with."""

    direction: Direction
    gains_milliwh: dict[str, int]
    doubts_milliwh: dict[str, int]
    stretch_us: tuple[int, int] = (0, 0)


class Restate(msgspec.Struct, frozen=True, tag="restate"):
    """`restate.restate`."""

    opened: Opened
    closing_milliwh: dict[Direction, int]
    opening_milliwh: dict[Direction, int]


class Restore(msgspec.Struct, frozen=True, tag="restore"):
    """`restate.restore`."""

    from_us: int
    to_us: int
    missing_milliwh: dict[Direction, int]


class LeaveOpen(msgspec.Struct, frozen=True, tag="leave_open", omit_defaults=True):
    """`Accumulator.leave_open`."""

    doubts: tuple[Doubt, ...]
    from_us: int
    ahead_us: int = 0
    """Until when an earlier clock had closed intervals; 0: it had not been ahead."""
    ahead_step_us: int = 0
    """How far the clock was set since then."""


Act = Add | Begin | ClockSet | GoBack | Unplaced | Bridge | Move | Restate | Restore | LeaveOpen
ACCEPTED = "accepted"

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(tuple[Act, ...])


def encoded(acts: Sequence[Act]) -> str | None:
    """Acts as the store keeps them; None for none."""
    return _ENCODER.encode(acts).decode() if acts else None


def decoded(text: str | None) -> tuple[Act, ...]:
    """Raises msgspec.DecodeError."""
    return () if text is None else _DECODER.decode(text)


class RecordedAccumulator(Accumulator):
    """An accumulator that remembers what it was asked to do until somebody takes that away with `take_acts`."""

    _acts: list[Act] | None = None

    def take_acts(self, decision: str, shown: Reading) -> tuple[Act, ...]:
        """What was done since the last call; nothing where that is `shown`, accepted and booked as it is."""
        acts, self._acts = self._acts, None
        if not acts:
            return ()
        if decision == ACCEPTED and acts == [Add(booked_reading(shown))]:
            return ()
        return tuple(acts)

    def add(self, reading: Reading, estimated: bool = False) -> list[Interval]:
        self._note(Add(booked_reading(reading), estimated))
        return super().add(reading, estimated)

    def start_epoch(self, register_epoch: int, reading: Reading) -> list[Interval]:
        self._note(Begin(register_epoch, booked_reading(reading)))
        return super().start_epoch(register_epoch, reading)

    def doubt_clock_step(self, step_us: int, passed_us: int | None = None) -> None:
        self._note(ClockSet(step_us, passed_us))
        super().doubt_clock_step(step_us, passed_us)

    def go_back(self, step_us: int) -> list[Interval]:
        self._note(GoBack(step_us))
        return super().go_back(step_us)

    def book_unplaced(self, reading: Reading) -> None:
        self._note(Unplaced(booked_reading(reading)))
        super().book_unplaced(reading)

    def bridge(self, reading: Reading, counts_on: bool) -> Detail | None:
        if self.state.bridge:
            self._note(Bridge(booked_reading(reading), counts_on))
        return super().bridge(reading, counts_on)

    def move(
        self,
        direction: Direction,
        gains_milliwh: Mapping[str, int],
        doubts_milliwh: Mapping[str, int],
        stretch_us: tuple[int, int] = (0, 0),
    ) -> None:
        self._note(Move(direction, dict(gains_milliwh), dict(doubts_milliwh), stretch_us))
        super().move(direction, gains_milliwh, doubts_milliwh, stretch_us)

    def restate(self, said: Restated, calendar: Calendar) -> str:
        """Book what flowed around an exchange that was noticed before it was stated. Returns the bucket."""
        self._note(Restate(said.opened, dict(said.closing_milliwh), dict(said.opening_milliwh)))
        return restate(self.state, said, calendar)

    def restore(self, from_us: int, to_us: int, missing_milliwh: Mapping[Direction, int], calendar: Calendar) -> str:
        """Book what the registers tell of a time before their first reading. Returns the bucket."""
        self._note(Restore(from_us, to_us, dict(missing_milliwh)))
        return restore(self.state, calendar, from_us, to_us, missing_milliwh)

    def leave_open(
        self, doubts: Sequence[Doubt], from_us: int, closed: list[Interval], ahead_us: tuple[int, int] = (0, 0)
    ) -> list[Interval]:
        self._note(LeaveOpen(tuple(doubts), from_us, *ahead_us))
        return super().leave_open(doubts, from_us, closed)

    def _note(self, act: Act) -> None:
        if self._acts is None:
            self._acts = []
        self._acts.append(act)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of acts that were done again."""

    closed: list[Interval]
    moves_skipped: int = 0
    left_open: tuple[LeaveOpen, ...] = ()
    """By these, intervals that had closed before are told anew."""


def do_again(accumulator: Accumulator, acts: Sequence[Act], calendar: Calendar, *, moves: bool) -> Done:
    """Do acts again, in their order. `moves` False: a correction by names of another tariff is left out, and counted.

    Raises accumulate.LawBrokenError, ValueError where they do not follow on what was booked.
    """
    closed: list[Interval] = []
    skipped = 0
    for act in acts:
        match act:
            case Add(reading, estimated):
                closed += accumulator.add(reading.reading(), estimated)
            case Begin(register_epoch, reading):
                closed += accumulator.start_epoch(register_epoch, reading.reading())
            case ClockSet(step_us, passed_us):
                accumulator.doubt_clock_step(step_us, passed_us)
            case GoBack(step_us):
                closed += accumulator.go_back(step_us)
            case Unplaced(reading):
                accumulator.book_unplaced(reading.reading())
            case Bridge(reading, counts_on):
                accumulator.bridge(reading.reading(), counts_on)
            case Move(direction, gains, doubts, stretch_us) if moves:
                accumulator.move(direction, gains, doubts, stretch_us)
            case Move():
                skipped += 1
            case Restate(opened, closing, opening):
                restate(accumulator.state, Restated(ValidatorState(), opened, closing, opening), calendar)
            case Restore(from_us, to_us, missing):
                restore(accumulator.state, calendar, from_us, to_us, missing)
            case LeaveOpen(doubts_, from_us, _, _):
                closed = accumulator.leave_open(doubts_, from_us, closed)
    return Done(closed, skipped, tuple(act for act in acts if isinstance(act, LeaveOpen)))
