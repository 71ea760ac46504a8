"""The twin of the Net Billing Tariff: three banks, what was paid in cash by scope, and the year's end.

Each bank pays its own scope, the bonus what they leave; cash of one scope may have been paid where another's was not,
so what is paid back is the lesser of a bank's range and of the range of what was paid. The true-up is the programme's
own, at all ends of those figures. (nbt_banks, nbt_year)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from ..charges import minimum_lines, printed_total
from ..lines import Due, Line, LineKind, Scope
from ..money import ZERO, kwh
from ..programmes.nbt import Nbt
from ..programmes.nbt_banks import BANKS, SCOPES, Charges, Purse
from ..programmes.nbt_state import NbtState
from ..programmes.nbt_year import bank_name
from ..programmes.surplus import BILL_CREDIT, SURPLUS_BANK, Payout
from .nem import FROM_CREDIT
from .ranges import NOTHING, Range, hull, monotone, spend, sum_of, sure
from .told import Step, Told, held_or, settled_within
from .year import KwhYear

COST = "export_cost."
MINIMUM, REVERSAL, SURPLUS, KEPT = "minimum", "true_up.reversal", "true_up.surplus", "true_up.bill_credit"
_SCOPED = ("generation", "delivery")


@dataclass(frozen=True, slots=True)
class Paid:
    """A cycle: what each bank pays and holds then, and what of each scope is left to pay in cash."""

    used: Mapping[str, Range]
    after: Mapping[str, Range]
    left: Mapping[str, Range]


class NbtTwin:
    """`nbt`."""

    def __init__(self, programme: Nbt, state: NbtState, held: dict[str, Range]) -> None:
        self._programme = programme
        own = {bank_name(bank): state.purse.of(bank) for bank in BANKS}
        own |= {BILL_CREDIT: state.bill_credit, SURPLUS_BANK: kwh(state.carried_milliwh)}
        self.banks = {name: held_or(held, name, amount) for name, amount in own.items()}
        self._begin(state)

    def _begin(self, state: NbtState) -> None:
        self._earned = {bank: sure(state.earned.of(bank)) for bank in _SCOPED}
        self._cash = {scope: sure(state.paid.of(scope)) for scope in SCOPES}
        self._last_due = NOTHING
        self._year = KwhYear()

    def cycle(self, step: Step) -> Told:
        """Charges by scope, credits earned, what the banks pay, and the credit on the account."""
        self._year.add(step)
        charges, lacking = self._charges(step)
        given = {bank: sum_of(one.range for one in step.amounts if _bank_of(one.line) == bank) for bank in BANKS}
        costs = {bank: given[bank].not_below_zero for bank in _SCOPED}
        owed = {scope: charges[scope] + costs.get(scope, NOTHING) for scope in SCOPES}
        earned = {bank: (-given[bank]).not_below_zero for bank in BANKS}
        paid = self._pay({bank: self.banks[bank_name(bank)] + earned[bank] for bank in BANKS}, owed)
        for bank in BANKS:
            self.banks[bank_name(bank)] = paid.after[bank]
        self._earned = {bank: self._earned[bank] + earned[bank] for bank in _SCOPED}
        self._cash = {scope: self._cash[scope] + paid.left[scope] for scope in SCOPES}
        charged = sum_of(paid.left.values()) + self._fee(step)
        spent = spend(self.banks[BILL_CREDIT], charged)
        self.banks[BILL_CREDIT], self._last_due = spent.after, spent.left
        lines = {f"bank.{bank_name(bank)}": -paid.used[bank] for bank in BANKS}
        lines |= {f"{COST}{bank}": cost for bank, cost in costs.items()}
        lines |= {FROM_CREDIT: -spent.used, MINIMUM: lacking}
        return Told(spent.left, charged, lines, dict(self.banks))

    def _charges(self, step: Step) -> tuple[dict[str, Range], Range]:
        """By scope; and what they lack of the minimum, which is among the fixed ones."""
        due_now = [one for one in step.amounts if one.line.due is Due.NOW]
        charged = [one for one in due_now if not one.line.key.startswith(COST)]  # a cost is what its credits come to
        found = {scope: step.together([one for one in charged if _scope_of(one.line) == scope]) for scope in SCOPES}
        fixed = [line for line in step.bill.settled.lines if line.kind is LineKind.FIXED and line.key != MINIMUM]
        minimums, lacking = list(minimum_lines(step.energy, self._programme.prices)), NOTHING
        found["fixed"] = found["fixed"] + sure(printed_total(fixed))
        if minimums:
            # The programme holds the minimum against what it charges before the charges by the day.
            billed, least = step.together(charged), printed_total(minimums)
            lacking = monotone(lambda charged: max(ZERO, least - charged), (), (billed,))
            found["fixed"] = found["fixed"] + lacking
        return found, lacking

    def _pay(self, held: Mapping[str, Range], owed: Mapping[str, Range]) -> Paid:
        """`nbt_banks.spend` with ranges: its own scope first, then the bonus in the order of its scopes."""
        spent = {bank: spend(held[bank], owed[bank]) for bank in _SCOPED}
        rest = {scope: spent[scope].left if scope in spent else owed[scope] for scope in SCOPES}
        bonus, left, before = held["bonus"], dict(rest), NOTHING
        for scope in self._programme.rules.bonus_scopes:
            # What is left rises with what is owed of it and of those before it, and falls with the bonus.
            left[scope] = monotone(
                lambda own, earlier, purse: own - max(ZERO, min(own, purse - earlier)),
                (rest[scope], before),
                (bonus,),
            )
            before = before + rest[scope].not_below_zero
        by_bonus = spend(bonus, before)
        used = {bank: one.used for bank, one in spent.items()} | {"bonus": by_bonus.used}
        return Paid(used, {bank: one.after for bank, one in spent.items()} | {"bonus": by_bonus.after}, left)

    @staticmethod
    def _fee(step: Step) -> Range:
        kinds = (LineKind.FEE,)
        return sum_of(
            sure(line.amount) for line in step.bill.settled.lines if line.kind in kinds and line.due is Due.NOW
        )

    def close(self, step: Step) -> Told:
        """The year's figures at all their ends."""
        state = step.after
        assert isinstance(state, NbtState)
        told = settled_within(self._programme, self._states(state), step)
        if any(key.startswith(REVERSAL) for key in told.lines):
            told = self._with_surplus_apart(told)
        purse = {bank: told.after.get(bank_name(bank), NOTHING) for bank in BANKS}
        if not state.whole and not step.bill.period.leaves:
            purse = self._purse()
        self.banks = {
            **{bank_name(bank): one for bank, one in purse.items()},
            BILL_CREDIT: told.after.get(BILL_CREDIT, self.banks[BILL_CREDIT]),
            SURPLUS_BANK: told.after.get(SURPLUS_BANK, NOTHING),
        }
        self._begin(NbtState())
        return told

    def _purse(self) -> dict[str, Range]:
        return {bank: self.banks[bank_name(bank)] for bank in BANKS}

    def _states(self, state: NbtState) -> Iterator[NbtState]:
        sides = self._year.sides(state.import_milliwh, state.export_milliwh, self.banks, self._last_due)
        purse, cash = self._purse(), product(*(_ends(self._cash[scope]) for scope in SCOPES))
        # The two scoped banks move every line the same way, so they are looked at together; likewise what they earned.
        scoped = _ends(purse["generation"], purse["delivery"])
        earned = _ends(self._earned["generation"], self._earned["delivery"])
        for side, held, bonus, made, paid in product(sides, scoped, _ends(purse["bonus"]), earned, cash):
            yield replace(
                state,
                purse=Purse(held[0], held[1], bonus[0]),
                earned=Purse(made[0], made[1], state.earned.bonus),
                paid=Charges(*(one[0] for one in paid)),
                import_milliwh=side.import_milliwh,
                export_milliwh=side.export_milliwh,
                carried_milliwh=side.carried_milliwh,
                bill_credit=side.bill_credit,
                last_due=side.last_due,
            )

    def _with_surplus_apart(self, told: Told) -> Told:
        """A credit that is taken back grows with the surplus as its payment does: what they leave is told apart."""
        asked = {
            key: one
            for key, one in told.lines.items()
            if key not in (SURPLUS, KEPT) and not key.startswith(f"{REVERSAL}.")
        }
        payment, taken_back = told.lines.get(SURPLUS, NOTHING), told.lines.get(REVERSAL, NOTHING)
        taxed = sum_of(one for key, one in asked.items() if key != REVERSAL)
        pays, bill = (-payment - taken_back).not_below_zero, self._last_due + taxed
        kept = monotone(lambda paid, due: max(ZERO, paid - max(ZERO, due)), (pays,), (bill,))
        lines, after = dict(told.lines), dict(told.after)
        if self._programme.rules.surplus.payout is Payout.CREDIT:
            lines[KEPT] = hull((lines.get(KEPT, NOTHING), kept))
            after[BILL_CREDIT] = self.banks[BILL_CREDIT] + lines[KEPT]
        due = sum_of(asked.values()) + payment + lines.get(KEPT, NOTHING)
        return Told(hull((told.due, due)), taxed, lines, after)


def _ends(*ranges: Range) -> list[tuple[Decimal, ...]]:
    """All of them low, all of them high; once, where they are sure."""
    ends = [tuple(one.low for one in ranges), tuple(one.high for one in ranges)]
    return ends[:1] if ends[0] == ends[1] else ends


def _scope_of(line: Line) -> str:
    if line.scope in (Scope.GENERATION, Scope.DELIVERY):
        return line.scope.value
    return "non_bypassable"


def _bank_of(line: Line) -> str:
    """The bank that a credit goes into; empty for a charge."""
    if line.due is Due.NOW:
        return ""
    return "bonus" if line.scope is Scope.ALL else line.scope.value
