"""The end of a NEM Relevant Period: what is owed, what minimum charges give back, what is lost, what surplus earns.

Credits never pay a non-bypassable charge: basis = N + max(0, energy). Minimum charges of earlier cycles and voluntary
payments come off it, never below zero; leftover dollars are lost; leftover kilowatt-hours are `surplus`.
(net-metering 1.1, 1.2; corrections A-2, A-4, A-5, A-14, F.5, F.8)
"""

from decimal import Decimal

from ...tariff.cycles import Cycle
from ..lines import BankMove, BankUnit, Due, Line, LineKind, money_line
from ..money import ZERO, Rounding, kwh_text, total
from ..period import Settled
from .nem_state import EnergyDue, MinimumCredit, NemRules, NemState
from .surplus import BILL_CREDIT, CYCLES_A_YEAR, Year, surplus_lines

ENERGY_BANK = "energy_credit"


def close_year(rules: NemRules, rounding: Rounding, state: NemState, closing: Cycle) -> tuple[NemState, Settled]:
    """The state that begins the next Relevant Period, and the true-up's lines."""
    year = _Close(rules, rounding, state)
    if rules.energy_due is EnergyDue.ANNUAL:
        year.annual()
    else:
        year.monthly()
    year.keep_payments()
    surplus = surplus_lines(
        rules.surplus,
        Year(
            state.import_milliwh,
            state.export_milliwh,
            state.carried_milliwh,
            state.cycles,
            closing,
            due=state.last_due + total(line.amount for line in year.lines if line.due is Due.NOW),
            bill_credit=year.bill_credit,
            knows_energy=state.knows_energy,
        ),
        rounding,
    )
    notes = (*year.notes, *_lacking(rules, state), *_oversized(state), *surplus.notes)
    after = NemState(carried_milliwh=surplus.carried_milliwh, bill_credit=year.bill_credit + surplus.bill_credit)
    return after, Settled((*year.lines, *surplus.lines), (*year.banks, *surplus.banks), notes)


class _Close:
    """Lines in the order in which they are printed; `payments` is what no charge has used of what was paid before."""

    def __init__(self, rules: NemRules, rounding: Rounding, state: NemState) -> None:
        self._rules = rules
        self._rounding = rounding
        self._state = state
        self.payments = state.payments
        self.bill_credit = state.bill_credit
        self.lines: list[Line] = []
        self.banks: list[BankMove] = []
        self.notes: list[str] = []

    def annual(self) -> None:
        """max(0, N + max(0, energy) - minimums - payments) (A-2, A-4)."""
        energy, owed, minimums = self._state.energy, self._owed, self._minimums
        basis = max(ZERO, owed + max(ZERO, energy))
        left = max(ZERO, basis - minimums)
        used = min(left, self.payments)
        self.payments -= used
        what = "Energy charges of the year" if energy >= 0 else "Energy credits of the year, which pay no other charge"
        self._add("true_up.energy", what, energy, Due.NOTED)
        if self._rules.has_non_bypassable and self._rules.non_bypassable_due is Due.TRUE_UP:
            self._add("true_up.non_bypassable", "Non-bypassable charges of the year", owed, Due.NOTED)
        if minimums:
            self._add("true_up.minimums", "Minimum charges already billed", -minimums, Due.NOTED)
        if used:
            self._add("true_up.payments", "Payments before the true-up", -used, Due.NOTED)
        self._add("true_up.adjustment", f"True-up adjustment: what is left of {basis:f}, not below zero", left - used)
        if energy < 0:
            self.notes.append(f"energy credits of {-energy:f} are left and lost: no dollars go over into a new year")

    def monthly(self) -> None:
        """The bank pays back what was paid, and the rest of it is lost; minimum charges come off what remains (A-5)."""
        state = self._state
        paid_back = min(state.bank, state.paid)
        lost = state.bank - paid_back
        self.banks.append(BankMove(ENERGY_BANK, BankUnit.MONEY, state.bank, paid_out=paid_back, forfeited=lost))
        if paid_back:
            self._add("true_up.paid_back", "Energy charges paid back from credits", -paid_back)
        if lost:
            self.notes.append(f"energy credits of {lost:f} are left and lost: no dollars go over into a new year")
        kept = state.paid - paid_back
        owed = max(-kept, self._owed)
        if owed:
            self._add("true_up.non_bypassable", "Non-bypassable charges", owed)
        back = min(self._minimums, kept + owed)
        if back:
            self._add("true_up.minimum_credit", f"Minimum charges billed ({self._minimums:f}), credited", -back)
        used = min(self.payments, max(ZERO, owed - back))
        self.payments -= used
        if used:
            self._add("true_up.payments", "Payments before the true-up", -used)

    def keep_payments(self) -> None:
        """What the customer paid and owed nothing for stays his."""
        if self.payments:
            self.notes.append(f"{self.payments:f} were paid before the true-up and not owed: a credit on the account")
            self.banks.append(BankMove(BILL_CREDIT, BankUnit.MONEY, self.bill_credit, earned=self.payments))
            self.bill_credit += self.payments

    @property
    def _owed(self) -> Decimal:
        """Non-bypassable charges that are not billed yet."""
        return self._state.non_bypassable if self._rules.non_bypassable_due is Due.TRUE_UP else ZERO

    @property
    def _minimums(self) -> Decimal:
        """What minimum charges give back at the most."""
        state = self._state
        credited = {
            MinimumCredit.PREVIOUS_CYCLES: state.minimums,
            MinimumCredit.ALL_CYCLES: state.minimums + state.last_minimums,
            MinimumCredit.NONE: ZERO,
        }
        return credited[self._rules.minimum_credit]

    def _add(self, key: str, label: str, amount: Decimal, due: Due = Due.NOW) -> None:
        line = money_line(
            key,
            label,
            amount,
            self._rounding,
            kind=LineKind.ADJUSTMENT,
            due=due,
            source=self._rules.source,
        )
        self.lines.append(line)


def _lacking(rules: NemRules, state: NemState) -> tuple[str, ...]:
    """A true-up without minimum charges that the utility did bill is too high."""
    if not state.lacks_minimums or rules.minimum_credit is MinimumCredit.NONE:
        return ()
    return (
        "minimum charges of this year are not in the tariff's figures: what the utility billed of them comes off this "
        "true-up, down to nothing; say them in [opening] as minimums_billed, or in a tariff file of your own",
    )


def _oversized(state: NemState) -> tuple[str, ...]:
    """Document 001: do not make the array larger than a year's use."""
    over = state.export_milliwh - state.import_milliwh
    if state.cycles < CYCLES_A_YEAR or over <= 0 or not state.knows_energy:
        return ()
    return (
        f"this year {kwh_text(over)} kWh more were exported than imported: the array makes more than the house uses",
    )
