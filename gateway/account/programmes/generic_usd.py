"""Net metering with dollar credits: a bucket's surplus earns money that pays later energy. SAM's option 1.

What is left in the bank when the year ends is paid out in cash, which no Californian programme does: not a model of
NEM 1.0 or 2.0. (net-metering 3.1)
"""

from dataclasses import replace

from ..charges import Prices, printed_total
from ..lines import BankMove, BankUnit, Due
from ..money import ZERO
from ..netting import NettingInterval
from ..period import Period, Settled
from .generic import MONEY_BANK, GenericRules, bank_line, given_line, skipped_minimum, standing_lines, taken_line
from .generic_billing import BillingState, bank_move, close_bank
from .generic_netting import net_by_bucket, shares_of


class NetMeteringUsd:
    """Option 1 (`period.Programme`)."""

    netting = NettingInterval.NONE

    def __init__(self, rules: GenericRules, prices: Prices, *, carries_what_it_pays: bool) -> None:
        self.name = rules.name
        self.rules = rules
        self.prices = prices
        self.carries_what_it_pays = carries_what_it_pays

    def settle(self, state: BillingState, period: Period) -> tuple[BillingState, Settled]:
        """One cycle: each bucket's deficit is charged, its surplus earns, and the bank pays what it can."""
        energy = period.energy
        nets = net_by_bucket(energy)
        deficits = {bucket: max(0, net) for bucket, net in nets.items()}
        surpluses = {bucket: max(0, -net) for bucket, net in nets.items()}
        taken = [taken_line(one, self.prices, "Net energy") for one in shares_of(energy, deficits, 1)]
        given = [
            given_line(one, self.prices, self.rules.export_price, Due.NOTED) for one in shares_of(energy, surpluses, -1)
        ]
        charge, earned = printed_total(taken), -printed_total(given)
        used = max(ZERO, min(state.bank + earned, charge))
        move = bank_move(state.bank, earned, used)
        paid = bank_line("bank.credit", "Paid from credits", -used, self.prices, self.rules.source)
        standing, year = standing_lines(period, self.prices, self.rules, charge - used, state.year)
        notes = (*self.rules.notes, *skipped_minimum(period, self.rules, state.year))
        settled = Settled((*taken, *given, *paid, *standing), (move,), notes)
        return replace(state, bank=move.after, year=year), settled

    def true_up(self, state: BillingState, period: Period) -> tuple[BillingState, Settled]:
        """What is left is paid out."""
        assert period.closes_year
        after, settled = close_bank(state, self.prices, self.rules.source, expires=False)
        if not self.carries_what_it_pays:
            return after, settled
        kept = BankMove(MONEY_BANK, BankUnit.MONEY, state.bank)
        return replace(after, bank=state.bank), replace(settled, banks=(kept,))
