"""What a Relevant Period has come to, bill by bill: what it carries, its energy, and how much of both is uncertain.

A true-up's lines stand on the whole year's energy. An adjustment is one sum, cut off at zero: it is off by no more than
all lines of the year together; a payment for surplus by the year's kilowatt-hours at its rate. Nothing is settled here.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from .lines import Due, Line, LineKind
from .money import MILLIWH_PER_KWH_PLACES, ZERO
from .period import PeriodStatement
from .statement import uncertain_of
from .terms import Opening


@dataclass(frozen=True, slots=True)
class YearToDate:
    """Up to the bill that was added last."""

    carried: Decimal = ZERO
    """To the true-up."""
    net_milliwh: int | None = 0
    """Import less export; None where not all of it is known."""
    uncertain: Decimal = ZERO
    """What all lines of the bills may be off by."""
    uncertain_milliwh: int = 0
    incomplete: tuple[int, ...] = ()
    """Bills of which not all energy is known, by number."""

    def with_bill(self, bill: PeriodStatement) -> "YearToDate":
        """After one more."""
        energy = bill.period.energy
        return replace(
            self,
            carried=self.carried + bill.settled.due(Due.TRUE_UP),
            net_milliwh=None if self.net_milliwh is None else self.net_milliwh + energy.net_milliwh,
            uncertain=self.uncertain + uncertain_of(bill.settled.lines),
            uncertain_milliwh=self.uncertain_milliwh + sum(cell.uncertain_milliwh for cell in energy.cells),
        )

    def doubted(self, bill: PeriodStatement) -> PeriodStatement:
        """The bill that closes the year, its true-up's lines with what they may be off by."""
        if bill.true_up is None or not self.uncertain_milliwh:
            return bill
        lines = tuple(self._doubted(line) for line in bill.true_up.lines)
        return replace(bill, true_up=replace(bill.true_up, lines=lines))

    def _doubted(self, line: Line) -> Line:
        if line.rate is not None and line.kind is LineKind.SURPLUS:
            return replace(line, uncertain_milliwh=self.uncertain_milliwh)
        if line.rate is None and line.kind is LineKind.ADJUSTMENT and line.due is Due.NOW:
            return replace(line, uncertain_worth=self.uncertain)
        return line


def year_from(opening: Opening | None, *, whole: bool) -> YearToDate:
    """At the first bill. `whole`: the year is known from its first day."""
    if opening is None:
        return YearToDate(net_milliwh=0 if whole else None)
    net = None
    if opening.knows_energy:
        net = int((opening.import_kwh - opening.export_kwh).scaleb(MILLIWH_PER_KWH_PLACES))
    return YearToDate(opening.energy_charges + opening.non_bypassable_charges, net)
