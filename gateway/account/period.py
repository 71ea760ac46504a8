"""The period ledger: billing cycles in order, each settled by the programme in force, the year closed where it ends.

A programme is a strategy with a frozen state. It makes lines and bank movements of one cycle's energy and never sees
another cycle but through its state; the loop, the sums and the checks are here, once, for all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from ..tariff.cycles import Cycle
from .cells import CycleEnergy
from .lines import BankMove, Due, Line
from .money import exactly, total
from .netting import NettingInterval

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Period:
    """One billing cycle as a programme gets it. `number` counts from 1 within the Relevant Period."""

    energy: CycleEnergy
    number: int
    closes_year: bool
    """Whether the Relevant Period ends with it."""
    leaves: bool = False
    """Whether the customer leaves the programme with it, for another one or for another place."""
    changes_supplier: bool = False
    """Whether another supplier sells the energy, or the utility again, from the next cycle on."""
    beside: CycleEnergy | None = None
    """The same energy by the blocks of another supplier's tariff, where the programme has a second ledger."""

    @property
    def cycle(self) -> Cycle:
        return self.energy.cycle


@dataclass(frozen=True, slots=True)
class Settled:
    """What a programme makes of one cycle, or of the end of a year."""

    lines: tuple[Line, ...]
    banks: tuple[BankMove, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the reader: an option that decided, a price that is not published yet."""

    def __post_init__(self) -> None:
        keys = [line.key for line in self.lines]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"lines with one key: {sorted(twice)}")

    def due(self, when: Due) -> Decimal:
        """The sum of the printed amounts that are due then."""
        return total(line.amount for line in self.lines if line.due is when)


class Programme(Protocol[State]):
    """A net-metering programme's way to reckon."""

    name: str
    netting: NettingInterval

    def settle(self, state: State, period: Period) -> tuple[State, Settled]:
        """One cycle's lines; called for each cycle in order, the closing one among them."""
        ...

    def true_up(self, state: State, period: Period) -> tuple[State, Settled]:
        """The end of a Relevant Period, after its closing cycle was settled. The state that begins the next."""
        ...


@dataclass(frozen=True, slots=True)
class PeriodStatement:
    """One cycle's bill."""

    period: Period
    settled: Settled
    true_up: Settled | None = None

    @property
    def due_now(self) -> Decimal:
        """What the customer pays for this cycle; below zero: is paid."""
        whole = [self.settled.due(Due.NOW)]
        if self.true_up is not None:
            whole.append(self.true_up.due(Due.NOW))
        return total(whole)


@dataclass(frozen=True, slots=True)
class Account(Generic[State]):
    """Statements of several cycles, and the state that the next one begins with."""

    statements: tuple[PeriodStatement, ...]
    state: State
    notes: tuple[str, ...] = field(default=())
    states: tuple[tuple[State, State], ...] = ()
    """Before each cycle, and after it: before its true-up, where it has one."""


def settle_all(programme: Programme[State], opening: State, periods: Iterable[Period]) -> Account[State]:
    """Settle cycle after cycle. Decimal arithmetic inside is exact (`money.exactly`)."""
    state = opening
    statements: list[PeriodStatement] = []
    states: list[tuple[State, State]] = []
    with exactly():
        for period in periods:
            before = state
            state, settled = programme.settle(state, period)
            states.append((before, state))
            closing: Settled | None = None
            if period.closes_year:
                state, closing = programme.true_up(state, period)
            statements.append(PeriodStatement(period, settled, closing))
    return Account(tuple(statements), state, states=tuple(states))


def periods_of(energies: Sequence[CycleEnergy], year_ends: Iterable[int], first_number: int = 1) -> tuple[Period, ...]:
    """Number the cycles within their Relevant Periods; `year_ends` are the positions of the closing ones."""
    ends = frozenset(year_ends)
    periods: list[Period] = []
    number = first_number
    for position, energy in enumerate(energies):
        periods.append(Period(energy, number, position in ends))
        number = 1 if position in ends else number + 1
    return tuple(periods)
