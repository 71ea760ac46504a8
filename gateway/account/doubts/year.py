"""A Relevant Period's energy to date, and the ends of what its surplus can come to with what that is paid against.

A larger surplus, more credit on the account and a smaller bill move the payment for the surplus and what is left of it
one way: so they are looked at together, at two ends, and not each for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..money import MILLIWH_PER_KWH_PLACES
from ..programmes.surplus import BILL_CREDIT, SURPLUS_BANK
from .ranges import Range
from .told import Step


@dataclass(frozen=True, slots=True)
class Side:
    """One end."""

    import_milliwh: int
    export_milliwh: int
    carried_milliwh: int
    bill_credit: Decimal
    last_due: Decimal


class KwhYear:
    """What import and export may be off by."""

    def __init__(self) -> None:
        self._import_off_milliwh = 0
        self._export_off_milliwh = 0

    def add(self, step: Step) -> None:
        """One more cycle."""
        self._import_off_milliwh += step.energy.import_uncertain_milliwh
        self._export_off_milliwh += step.energy.export_uncertain_milliwh

    def sides(
        self, import_milliwh: int, export_milliwh: int, banks: Mapping[str, Range], last_due: Range
    ) -> tuple[Side, Side]:
        """Where least, and where most, was given beyond what was taken; `banks` as the true-up begins."""
        carried, credit = banks[SURPLUS_BANK], banks[BILL_CREDIT]
        least = Side(
            import_milliwh + self._import_off_milliwh,
            max(min(0, export_milliwh), export_milliwh - self._export_off_milliwh),
            _milliwh(carried.low),
            credit.low,
            last_due.high,
        )
        most = Side(
            max(0, import_milliwh - self._import_off_milliwh),
            export_milliwh + self._export_off_milliwh,
            _milliwh(carried.high),
            credit.high,
            last_due.low,
        )
        return least, most


def _milliwh(amount_kwh: Decimal) -> int:
    return int(amount_kwh.scaleb(MILLIWH_PER_KWH_PLACES))
