"""The twin of MCE beside PG&E: the utility's ledger as NEM's, and MCE's bank and year of their own.

MCE's cash-out is the programme's own (`mce_cashout.cash_out`), with the least and the most that the bank and the year's
surplus can be. Where its payment lies at the threshold of a cheque it may be the one or the other: both are told.
"""

from dataclasses import replace
from decimal import Decimal
from itertools import product

from ..lines import Due, LineKind
from ..money import ZERO, total
from ..programmes.mce import MCE_BANK, Mce, MceState
from ..programmes.mce_cashout import CashedOut, MceYear, cash_out, ends_mce_year
from .nem import NemTwin
from .ranges import Range, hull, monotone, spend, sure
from .told import Step, Told, held_or, settled_within

OURS = "mce."
_MOVED = f"bank.{MCE_BANK}"
_KINDS = (LineKind.ENERGY, LineKind.CREDIT)


class MceTwin:
    """`mce`."""

    def __init__(self, programme: Mce, state: MceState, held: dict[str, Range]) -> None:
        self._programme = programme
        self._delivery = NemTwin(programme.delivery, state.delivery, held)
        self._bank = held_or(held, MCE_BANK, state.bank)
        self._off_milliwh = state.year.uncertain_milliwh
        self.banks = {**self._delivery.banks, MCE_BANK: self._bank}

    def cycle(self, step: Step) -> Told:
        """Both ledgers."""
        utility = self._delivery.cycle(_utility_of(step))
        charge = step.sum_of(*_KINDS, prefix=OURS)
        left = spend(self._bank, charge).left.not_below_zero
        moved = monotone(lambda owed, held: max(ZERO, owed - held) - owed, (), (charge, self._bank))
        self._bank = (self._bank - charge).not_below_zero
        self._off_milliwh += step.energy.uncertain_milliwh
        lines = {**utility.lines, _MOVED: moved, "mce.due": left}
        due = utility.due + left
        if ends_mce_year(step.bill.period.cycle):
            lines, due = self._cash_out(step, lines, due)
        self.banks = {**self._delivery.banks, MCE_BANK: self._bank}
        return Told(due, utility.taxed + left, lines, dict(self.banks))

    def _cash_out(self, step: Step, lines: dict[str, Range], due: Range) -> tuple[dict[str, Range], Range]:
        """The end of MCE's year."""
        programme, period, bank = self._programme, step.bill.period, self._bank
        assert isinstance(step.before, MceState)
        year, off = programme.year_with(step.before, period), self._off_milliwh
        ends = product((bank.low, bank.high), (_beyond(year, off), _beyond(year, -off)))
        made = [
            (held, cash_out(programme.rules.cashout, one, held, period.cycle, programme.prices.rounding))
            for held, one in ends
        ]
        outs = [out for _, out in made]
        self._bank = hull(sure(held + out.credited - out.paid_out - out.forfeited) for held, out in made)
        self._off_milliwh = 0
        keys = dict.fromkeys(line.key for out in outs for line in out.lines)
        found = {key: hull(sure(_amount(out, key)) for out in outs) for key in keys}
        if len({_is_cheque(out) for out in outs}) > 1:
            # A payment at a cheque's threshold: between the ends it may be the greatest credit, which neither end has.
            self._bank = hull((self._bank, sure(bank.high - min(ZERO, *(one.low for one in found.values())))))
        return {**lines, **found}, due + hull(sure(_now(out)) for out in outs)

    def close(self, step: Step) -> Told:
        """PG&E's year."""
        state = step.after
        assert isinstance(state, MceState)
        states = [replace(state, delivery=one) for one in self._delivery.states(state.delivery)]
        told = settled_within(self._programme, states, step)
        self._delivery.begin_year(told)
        self.banks = {**self._delivery.banks, MCE_BANK: self._bank}
        return told


def _utility_of(step: Step) -> Step:
    """Without MCE's lines."""
    lines = tuple(line for line in step.bill.settled.lines if not (line.key.startswith(OURS) or line.key == _MOVED))
    settled = replace(step.bill.settled, lines=lines)
    amounts = tuple(one for one in step.amounts if not one.line.key.startswith(OURS))
    return replace(step, bill=replace(step.bill, settled=settled), amounts=amounts)


def _beyond(year: MceYear, milliwh: int) -> MceYear:
    """So much more taken than metered; below zero: given."""
    if milliwh >= 0:
        return replace(year, import_milliwh=year.import_milliwh + milliwh)
    return replace(year, export_milliwh=year.export_milliwh - milliwh)


def _amount(out: CashedOut, key: str) -> Decimal:
    return total(line.amount for line in out.lines if line.key == key)


def _now(out: CashedOut) -> Decimal:
    return total(line.amount for line in out.lines if line.due is Due.NOW)


def _is_cheque(out: CashedOut) -> bool:
    return bool(_now(out))
