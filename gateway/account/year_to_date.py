"""What a Relevant Period has come to, bill by bill: what it carries, its energy, and how much of that is uncertain.

Nothing is settled here. What its lines and banks may be off by is `doubts`' business.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from .lines import Due
from .money import MILLIWH_PER_KWH_PLACES, ZERO
from .period import PeriodStatement
from .terms import Opening


@dataclass(frozen=True, slots=True)
class YearToDate:
    """Up to the bill that was added last."""

    carried: Decimal = ZERO
    """To the true-up."""
    net_milliwh: int | None = 0
    """Import less export; None where not all of it is known."""
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
            uncertain_milliwh=self.uncertain_milliwh + energy.uncertain_milliwh,
        )


def year_from(opening: Opening | None, *, whole: bool) -> YearToDate:
    """At the first bill. `whole`: the year is known from its first day."""
    if opening is None:
        return YearToDate(net_milliwh=0 if whole else None)
    net = None
    if opening.knows_energy:
        net = int((opening.import_kwh - opening.export_kwh).scaleb(MILLIWH_PER_KWH_PLACES))
    return YearToDate(opening.energy_charges + opening.non_bypassable_charges, net)
