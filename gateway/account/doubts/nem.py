"""The twin of NEM 1.0, 2.0 and of fuel cells: the year's sums of energy and non-bypassable charges as ranges.

The true-up is the programme's own, settled with the least and the most that each sum can be: every line of it moves one
way with each of them. Where energy is due monthly, what a bank holds and what was paid move apart. (nem_year)
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

from ..lines import Due, LineKind
from ..money import ZERO, kwh
from ..programmes.nem import Nem
from ..programmes.nem_state import EnergyDue, NemState
from ..programmes.nem_year import ENERGY_BANK
from ..programmes.surplus import BILL_CREDIT, SURPLUS_BANK
from .ranges import NOTHING, Range, monotone, spend, sure
from .told import Step, Told, held_or, settled_within, standing_of
from .year import KwhYear

TO_BANK, FROM_CREDIT = "bank.energy_credit", "bank.bill_credit"


class NemTwin:
    """One ledger: of a whole account, or of the utility beside another supplier's (`mce`)."""

    def __init__(self, programme: Nem, state: NemState, held: dict[str, Range]) -> None:
        self._programme = programme
        self._state = state
        self.banks = {
            ENERGY_BANK: held_or(held, ENERGY_BANK, state.bank),
            BILL_CREDIT: held_or(held, BILL_CREDIT, state.bill_credit),
            SURPLUS_BANK: held_or(held, SURPLUS_BANK, kwh(state.carried_milliwh)),
        }
        self._begin(sure(state.energy), sure(state.non_bypassable), sure(state.paid))

    def _begin(self, energy: Range, charged: Range, paid: Range) -> None:
        self._energy, self._charged, self._paid = energy, charged, paid
        self._year, self._last_due = KwhYear(), NOTHING

    def cycle(self, step: Step) -> Told:
        """Energy and non-bypassable charges, what is due of them, and what the credit on the account pays."""
        rules = self._programme.rules
        energy = step.sum_of(LineKind.ENERGY, LineKind.BASELINE)
        charged = step.sum_of(LineKind.NON_BYPASSABLE).not_below_zero
        self._energy, self._charged = self._energy + energy, self._charged + charged
        self._year.add(step)
        due, lines = standing_of(step), {}
        if rules.energy_due is EnergyDue.MONTHLY:
            moved, left = self._monthly(energy)
            due, lines = due + left, {TO_BANK: moved}
        if rules.has_non_bypassable and rules.non_bypassable_due is Due.NOW:
            due = due + charged
        spent = spend(self.banks[BILL_CREDIT], due)
        self.banks[BILL_CREDIT] = spent.after
        lines |= {FROM_CREDIT: -spent.used, "summary.energy": self._energy, "summary.non_bypassable": self._charged}
        self._last_due = spent.left
        return Told(spent.left, due, lines, dict(self.banks))

    def _monthly(self, energy: Range) -> tuple[Range, Range]:
        """To (+) and from (-) the bank, and what is left to pay."""
        bank, charge = self.banks[ENERGY_BANK], energy.not_below_zero
        left = spend(bank, charge).left
        moved = monotone(lambda owed, held: max(ZERO, owed - held) - owed, (), (energy, bank))
        self.banks[ENERGY_BANK] = (bank - energy).not_below_zero
        self._paid = self._paid + left
        return moved, left

    def close(self, step: Step) -> Told:
        """The year's sums at all their ends."""
        state = step.after
        assert isinstance(state, NemState)
        told = settled_within(self._programme, self.states(state), step)
        self.begin_year(told)
        return told

    def states(self, state: NemState) -> Iterator[NemState]:
        """The state with the year's sums at all their ends."""
        sides = self._year.sides(state.import_milliwh, state.export_milliwh, self.banks, self._last_due)
        sums = product(*(_ends(one) for one in (self._energy, self._charged, self.banks[ENERGY_BANK], self._paid)))
        for side, (energy, charged, bank, paid) in product(sides, sums):
            yield replace(
                state,
                energy=energy,
                non_bypassable=charged,
                bank=bank,
                paid=paid,
                import_milliwh=side.import_milliwh,
                export_milliwh=side.export_milliwh,
                carried_milliwh=side.carried_milliwh,
                bill_credit=side.bill_credit,
                last_due=side.last_due,
            )

    def begin_year(self, told: Told) -> None:
        """After the true-up."""
        self.banks = {
            ENERGY_BANK: NOTHING,
            BILL_CREDIT: told.after.get(BILL_CREDIT, self.banks[BILL_CREDIT]),
            SURPLUS_BANK: told.after.get(SURPLUS_BANK, NOTHING),
        }
        self._begin(NOTHING, NOTHING, NOTHING)


def _ends(one: Range) -> Sequence[Decimal]:
    return (one.low,) if one.is_sure else (one.low, one.high)
