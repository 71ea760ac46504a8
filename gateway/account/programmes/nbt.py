"""The Net Billing Tariff (Solar Billing Plan, "NEM 3.0"): imports at retail, exports at the price of their hour.

Nothing is netted: each stored interval's import and export are priced as metered, so each month has charges by scope
(generation, delivery, non-bypassable, fixed) and credits for three banks (`nbt_banks`). What no bank pays is due.
The year's end is `nbt_year`. (net-metering 1.3; corrections A-1, A-7, A-8, F)
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from ..baseline import baseline_lines
from ..cells import Cell, CycleEnergy
from ..charges import (
    PriceError,
    Prices,
    by_block,
    days_of,
    fixed_lines,
    key_of,
    minimum_lines,
    printed_total,
)
from ..lines import BankMove, BankUnit, Due, Line, LineKind, Scope, energy_line, money_line
from ..money import ZERO, kwh, rounded, total
from ..netting import NettingInterval
from ..period import Period, Settled
from .nbt_banks import BANKS, Charges, Purse, spend
from .nbt_bonus import adder_lines
from .nbt_state import NbtRules, NbtState
from .nbt_year import bank_name, close_year
from .plain import imports_of
from .surplus import BILL_CREDIT

FIRST_BILL = timedelta(days=35)


class Nbt:
    """A programme (`period.Programme`)."""

    netting = NettingInterval.NONE

    def __init__(self, rules: NbtRules, prices: Prices) -> None:
        self.name = rules.name
        self.rules = rules
        self.prices = prices

    def settle(self, state: NbtState, period: Period) -> tuple[NbtState, Settled]:
        """One cycle: charges by scope, credits earned, and what the banks pay of the charges."""
        energy = period.energy
        self._refuse_prices(energy)
        by_scope = self._charges(energy)
        by_scope["fixed"] += fixed_lines(energy, self.prices)
        charged = Charges(*(_due_now(lines) for lines in by_scope.values()))
        given = {bank: self._credits(energy, bank) for bank in BANKS}
        earned = Purse(*(max(ZERO, -printed_total(lines)) for lines in given.values()))
        costs = Charges(*(max(ZERO, printed_total(given[bank])) for bank in ("generation", "delivery")))
        held = state.purse.plus(earned)
        owed = charged.plus(costs)
        spent = spend(held, owed, self.rules.bonus_scopes)
        moves = tuple(
            BankMove(bank_name(bank), BankUnit.MONEY, state.purse.of(bank), earned.of(bank), spent.banks.of(bank))
            for bank in BANKS
            if state.purse.of(bank) or earned.of(bank)
        )
        after = replace(
            state,
            is_first=False,
            cycles=state.cycles + (period.number > 0),
            purse=held.minus(spent.banks),
            earned=state.earned.plus(earned),
            paid=state.paid.plus(owed.minus(spent.paid)),
            import_milliwh=state.import_milliwh + energy.import_milliwh,
            export_milliwh=state.export_milliwh + energy.export_milliwh,
        )
        lines = (
            *(line for scope in by_scope.values() for line in scope),
            *(line for bank in given.values() for line in bank),
            *self._negative(costs),
            *self._paid_by_banks(spent.banks),
            *self._fee(state, period),
        )
        return self._use_bill_credit(after, lines, moves)

    def true_up(self, state: NbtState, period: Period) -> tuple[NbtState, Settled]:
        """The end of the Relevant Period."""
        return close_year(self.rules, self.prices.rounding, state, period)

    def _charges(self, energy: CycleEnergy) -> dict[str, list[Line]]:
        """Lines of charges by scope, in the order of `nbt_banks.SCOPES`."""
        taken = imports_of(energy)
        found: dict[str, list[Line]] = {"generation": [], "delivery": [], "non_bypassable": [], "fixed": []}
        for position, cell in enumerate(taken.cells):
            if not cell.import_milliwh:
                continue
            whole, charged = self.prices.retail_in_tier(cell, 0), self.prices.non_bypassable(cell)
            beside = total(self._beside(cell).values())
            supply = ZERO if self.prices.customer.supplier else self.prices.generation(cell)
            if not self.prices.customer.supplier:
                found["generation"].append(self._energy_line("generation", cell, position, supply))
            found["delivery"].append(self._energy_line("delivery", cell, position, whole - supply - charged - beside))
        found["delivery"] += baseline_lines(taken, self.prices, Due.NOW)
        found["non_bypassable"] += self._by_block(taken)
        found["fixed"] += self._up_to_minimum(energy, found)
        return found

    def _energy_line(self, scope: str, cell: Cell, position: int, rate: Decimal) -> Line:
        return energy_line(
            key_of(scope, cell.block, cell.bucket),
            f"{scope.capitalize()} {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
            cell.import_milliwh,
            rate,
            self.prices.rounding,
            due=Due.NOW,
            scope=Scope(scope),
            source=self.prices.source(cell.block),
            uncertain_milliwh=cell.import_uncertain_milliwh,
            cells=(position,),
        )

    def _beside(self, cell: Cell) -> dict[str, Decimal]:
        """With another supplier: what stands beside energy delivered, by name."""
        vintage, version = self.prices.customer.pcia_vintage, cell.block.version
        if not self.prices.customer.supplier or version is None:
            return {}
        fees = {"pcia": version.pcia_per_kwh[vintage]}
        if vintage in version.franchise_fee_per_kwh:
            fees["franchise_fee"] = version.franchise_fee_per_kwh[vintage]
        return fees

    def _by_block(self, taken: CycleEnergy) -> Iterator[Line]:
        """What no scoped credit pays, on all imports whatever was exported (document 001): a line a block and rate."""
        for block, cells in by_block(taken):
            sums: dict[tuple[str, Decimal], list[tuple[int, Cell]]] = {}
            for position, cell in cells:
                if cell.import_milliwh:
                    rates = {"non_bypassable": self.prices.non_bypassable(cell), **self._beside(cell)}
                    for name, rate in rates.items():
                        sums.setdefault((name, rate), []).append((position, cell))
            for (name, rate), held in sums.items():
                several = sum(one == name for one, _ in sums) > 1
                yield energy_line(
                    key_of(name, block, *((held[0][1].bucket,) if several else ())),
                    f"{_LABELS[name]}, {days_of(block)}",
                    sum(cell.import_milliwh for _, cell in held),
                    rate,
                    self.prices.rounding,
                    kind=LineKind.NON_BYPASSABLE if name == "non_bypassable" else LineKind.ENERGY,
                    due=Due.NOW,
                    scope=Scope.OTHER,
                    source=self.prices.source(block),
                    uncertain_milliwh=sum(cell.import_uncertain_milliwh for _, cell in held),
                    cells=tuple(position for position, _ in held),
                )

    def _up_to_minimum(self, energy: CycleEnergy, found: dict[str, list[Line]]) -> Iterator[Line]:
        """A minimum is a floor under the cycle's energy charges, as without net metering: nothing gives it back."""
        minimums = list(minimum_lines(energy, self.prices))
        least, billed = printed_total(minimums), printed_total(line for lines in found.values() for line in lines)
        if minimums and billed < least:
            label = f"Up to the minimum of {least:f}, {energy.cycle.first_day} to {energy.cycle.last_day}"
            yield self._money("minimum", label, least - billed, LineKind.FIXED, minimums[0].source)

    def _credits(self, energy: CycleEnergy, bank: str) -> list[Line]:
        """What a cycle's exports earn for one bank: told, and put into it."""
        lines: list[Line] = []
        for position, cell in enumerate(energy.cells):
            part = next((one for one in cell.parts.export_parts if one.component == bank), None)
            if part is None or not cell.export_milliwh or (bank == "generation" and self.prices.customer.supplier):
                continue
            lines.append(
                Line(
                    key=key_of(f"credit.{bank}", cell.block, cell.bucket),
                    label=f"Export credit, {bank}, {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
                    kind=LineKind.CREDIT,
                    due=Due.NOTED,
                    exact=-part.worth,
                    amount=rounded(-part.worth, self.prices.rounding),
                    scope=Scope(bank),
                    quantity=-kwh(cell.export_milliwh),
                    unit="kWh",
                    source=self.rules.price_source,
                    uncertain_milliwh=cell.export_uncertain_milliwh,
                    uncertain_worth=part.uncertain_worth,
                    cells=(position,),
                )
            )
        return [*lines, *adder_lines(self.rules, energy, bank, self.prices.rounding)]

    def _negative(self, costs: Charges) -> Iterator[Line]:
        """Where the prices of a month's exports come out below zero, they are a charge of their scope."""
        for bank in ("generation", "delivery"):
            if costs.of(bank):
                label = f"Exports at prices below zero, {bank}"
                yield self._money(
                    f"export_cost.{bank}", label, costs.of(bank), LineKind.ENERGY, self.rules.price_source
                )

    def _paid_by_banks(self, used: Purse) -> Iterator[Line]:
        for bank in BANKS:
            if used.of(bank):
                label = f"Paid from {_BANK_LABELS[bank]} credits"
                yield self._money(f"bank.{bank_name(bank)}", label, -used.of(bank), LineKind.BANK, self.rules.source)

    def _use_bill_credit(
        self, state: NbtState, lines: tuple[Line, ...], banks: tuple[BankMove, ...]
    ) -> tuple[NbtState, Settled]:
        """The credit on the account pays whatever is due."""
        due = _due_now(lines)
        used = min(state.bill_credit, max(ZERO, due))
        if used:
            label = "From the credit on the account"
            lines = (*lines, self._money("bank.bill_credit", label, -used, LineKind.SURPLUS, self.rules.source))
        if state.bill_credit:
            banks = (*banks, BankMove(BILL_CREDIT, BankUnit.MONEY, state.bill_credit, used=used))
        after = replace(state, bill_credit=state.bill_credit - used, last_due=due - used)
        return after, Settled(lines, banks, self.rules.notes)

    def _fee(self, state: NbtState, period: Period) -> Iterator[Line]:
        """The interconnection fee, once: on the first bill of the programme, if it is that of the permission."""
        fee, pto, cycle = self.rules.fee, self.rules.pto, period.cycle
        if fee is None or pto is None or not state.is_first:
            return
        if cycle.first_day - FIRST_BILL <= pto <= cycle.last_day:
            label = "Interconnection fee, once"
            line = self._money("fee.interconnection", label, fee.value, LineKind.FEE, fee.source)
            yield replace(line, due=self.rules.fee_due)

    def _refuse_prices(self, energy: CycleEnergy) -> None:
        """Net billing requires a time-of-use schedule (row 11); tiers would price each import by those before it."""
        tariff = self.prices.tariff
        for block in energy.blocks:
            version = block.version
            if version is None:
                continue
            here = f"tariff {tariff.id}, version {version.id}: {self.name}"
            if len({one.name for one in tariff.periods_of(version)}) < 2:
                raise PriceError(
                    f"{here} requires a time-of-use tariff, and this has one price at all hours ({days_of(block)}); "
                    "name the schedule that the bill prints, such as pge-e-elec"
                )
            if version.tier:
                raise PriceError(f"{here} is not reckoned with prices by tier ({days_of(block)})")

    def _money(self, key: str, label: str, amount: Decimal, kind: LineKind, source: str) -> Line:
        return money_line(key, label, amount, self.prices.rounding, kind=kind, due=Due.NOW, source=source)


_LABELS = {
    "non_bypassable": "Non-bypassable charges",
    "pcia": "Power charge indifference adjustment",
    "franchise_fee": "Franchise fee surcharge",
}
_BANK_LABELS = {
    "generation": "generation (energy produced)",
    "delivery": "delivery (energy delivered)",
    "bonus": "bonus",
}


def _due_now(lines: Iterator[Line] | list[Line] | tuple[Line, ...]) -> Decimal:
    return total(line.amount for line in lines if line.due is Due.NOW)
