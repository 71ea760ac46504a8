"""Net surplus compensation: a year's surplus kilowatt-hours, not dollars, are paid for at the month's own rate.

Earned only over a complete period of twelve cycles, all buckets together. Without a published rate it is pending, never
zero; the utility owes none to a customer of another supplier. (net-metering 1.1; corrections A-9, A-14)
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ...tariff.cycles import Cycle
from ..lines import Due, Line, LineKind, energy_line
from ..money import ZERO, Rounding, kwh
from ..programme_file import NotKnownError, ProgrammeFile

CYCLES_A_YEAR = 12
RATE = "net_surplus_compensation"


class Payout(StrEnum):
    """What the customer chose to have the surplus turned into."""

    CHECK = "check"
    CREDIT = "credit"
    ROLLOVER_KWH = "rollover_kwh"


@dataclass(frozen=True, slots=True)
class SurplusRule:
    """Who pays, and how."""

    file: ProgrammeFile
    utility: str
    payout: Payout
    pays: bool
    """False for a customer of another supplier, and under programmes that pay none."""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Year:
    """A Relevant Period at its end. `carried_milliwh`: surplus rolled over from the one before."""

    import_milliwh: int
    export_milliwh: int
    carried_milliwh: int
    cycles: int
    closing: Cycle

    @property
    def surplus_milliwh(self) -> int:
        return max(0, self.export_milliwh + self.carried_milliwh - self.import_milliwh)


@dataclass(frozen=True, slots=True)
class Surplus:
    """Lines, sentences, and what goes over into the next Relevant Period."""

    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    carried_milliwh: int = 0


def surplus_lines(rule: SurplusRule, year: Year, rounding: Rounding) -> Surplus:
    """What a year's surplus earns."""
    surplus = year.surplus_milliwh
    if not surplus:
        return Surplus()
    if not rule.pays:
        return Surplus(notes=(f"{kwh(surplus):f} kWh of surplus are not paid for: {rule.why_not}",))
    if year.cycles < CYCLES_A_YEAR:
        note = (
            f"{kwh(surplus):f} kWh of surplus are not paid for: the period has {year.cycles} of {CYCLES_A_YEAR} cycles"
        )
        return Surplus(notes=(note,))
    if rule.payout is Payout.ROLLOVER_KWH:
        return Surplus(
            notes=(f"{kwh(surplus):f} kWh of surplus go over into the next period",), carried_milliwh=surplus
        )
    label = f"Net surplus compensation for {kwh(surplus):f} kWh"
    try:
        figure = rule.file.figure_on(RATE, rule.utility, year.closing.last_day)
    except NotKnownError as error:
        return Surplus((_pending(label, str(error)),), (f"{label} is pending: {error}",))
    line = energy_line(
        "true_up.surplus",
        label,
        -surplus,
        figure.value,
        rounding,
        kind=LineKind.SURPLUS,
        due=Due.NOW,
        source=figure.source,
    )
    return Surplus((line,))


def _pending(label: str, why: str) -> Line:
    return Line(
        key="true_up.surplus",
        label=f"{label}: pending",
        kind=LineKind.NOT_INCLUDED,
        due=Due.NOTED,
        exact=Decimal(0),
        amount=ZERO,
        source=why,
    )
