"""One bill and all bills of an account, as frozen types: what is printed, compared and explained. No reckoning here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .account_file import AccountFile
from .cells import CycleEnergy
from .doubts.ranges import Range, sure
from .energy import Stretch
from .lines import BankMove, Due, Line, LineKind
from .money import ZERO, total
from .other_charges import due_of
from .period import PeriodStatement
from .price_series import PriceSeries
from .slots import Slot

_NOT_OF_ENERGY = (LineKind.BANK, LineKind.ADJUSTMENT, LineKind.FIXED, LineKind.SURPLUS)
"""Made of other lines: their doubt is those lines'."""


@dataclass(frozen=True, slots=True)
class StatementRanges:
    """What a bill's figures can be, its energy being uncertain: each from the lowest to the highest."""

    lines: Mapping[str, Range]
    """By key, every line."""
    before: tuple[Range, ...]
    """Of each of `Statement.banks`; `after` likewise."""
    after: tuple[Range, ...]
    due_now: Range
    carried: Range
    carried_in_year: Range
    cycle_off: Decimal = ZERO
    """By how much what the cycle asks and what it carries may be off together, and by how much more the money in banks
    than before; a true-up left out."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One bill. `whole`: all its energy is known, and its year from the first day."""

    number: int
    """Counts from 1 over the account's bills."""
    slot: Slot
    bill: PeriodStatement
    other: tuple[Line, ...]
    not_included: tuple[Line, ...]
    notes: tuple[str, ...]
    energy_digest: str
    """SHA-256 of the rows it is made of: a correction changes it."""
    carried_in_year: Decimal
    """What the Relevant Period has carried to its true-up, this bill and those before it."""
    uncertain_in_year: Decimal
    """What the year's bills so far asked and carried may be off by, and what their banks hold now; exact."""
    year_lacks: tuple[int, ...] = ()
    """Where it closes a year, or its share goes by the year: the earlier bills in it that are incomplete, by number."""
    export_parts: Mapping[str, PriceSeries] = field(default_factory=dict)
    """What its exports are paid by component, where a table says that."""
    ranges: StatementRanges | None = None
    """None: nothing of it is uncertain."""

    @property
    def energy(self) -> CycleEnergy:
        return self.bill.period.energy

    @property
    def holes(self) -> tuple[Stretch, ...]:
        return self.energy.holes

    @property
    def is_whole(self) -> bool:
        """Whether all energy is known that its lines need, those of its true-up included."""
        return not (self.holes or self.year_lacks)

    @property
    def cycle_lines(self) -> tuple[Line, ...]:
        """The cycle's own lines, the account's charges after them."""
        return (*self.bill.settled.lines, *self.other)

    @property
    def true_up_lines(self) -> tuple[Line, ...]:
        return self.bill.true_up.lines if self.bill.true_up else ()

    @property
    def lines(self) -> tuple[Line, ...]:
        return (*self.bill.settled.lines, *self.true_up_lines, *self.other, *self.not_included)

    @property
    def banks(self) -> tuple[BankMove, ...]:
        """What moved in the cycle, then at the true-up."""
        return (*self.bill.settled.banks, *(self.bill.true_up.banks if self.bill.true_up else ()))

    @property
    def due_now(self) -> Decimal:
        return total((self.bill.due_now, due_of(self.other)))

    @property
    def carried(self) -> Decimal:
        """What this bill carries to the true-up."""
        return self.bill.settled.due(Due.TRUE_UP)

    @property
    def uncertain_amount(self) -> Decimal:
        """What all doubt about the cycle is worth at most: of what it asks, carries and puts into banks; exact."""
        return self.cycle_off(self.cycle_lines)

    def cycle_off(self, lines: Iterable[Line]) -> Decimal:
        """As its ranges say; of a bill without them, what its `lines` do."""
        return uncertain_of(lines) if self.ranges is None else self.ranges.cycle_off


def ranges_of(one: Statement) -> StatementRanges:
    """What its figures can be; those of a bill that is sure are what they are."""
    return one.ranges or StatementRanges(
        {line.key: sure(line.amount) for line in one.lines},
        tuple(sure(move.before) for move in one.banks),
        tuple(sure(move.after) for move in one.banks),
        sure(one.due_now),
        sure(one.carried),
        sure(one.carried_in_year),
    )


def uncertain_of(lines: Iterable[Line]) -> Decimal:
    """The sum of what each energy line's doubt is worth, and each tax's."""
    return total(line.uncertain_amount for line in lines if line.kind not in _NOT_OF_ENERGY)


@dataclass(frozen=True, slots=True)
class Statements:
    """All bills of an account that have ended, oldest first."""

    account: AccountFile
    statements: tuple[Statement, ...]
    source: str
    notes: tuple[str, ...]
