"""Net metering in Pennsylvania: surplus kilowatt-hours go over to the next bill at full retail, one for one.

A cycle that takes more than it gives is covered out of the bank of the same period, the rest billed at the full price;
customer and other fixed charges are always due. With an electric generation supplier the utility credits distribution
alone. The year ends with May: `pa_year`. No fee is made for net metering, as none may be asked for (document 002).
(net-metering 1.5, A5; corrections A-11, F.4)
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..charges import PriceError, Prices, days_of, fixed_lines, key_of
from ..lines import BankMove, Due, Line, LineKind, Scope, energy_line
from ..money import ZERO, worth
from ..netting import NettingInterval
from ..period import Period, Settled
from .pa_bank import Netted, Part, netted, periods_by_bucket
from .pa_state import Excess, PaRules, PaState, PtcMethod
from .pa_supplier import Contract, supplied
from .pa_year import close_year
from .plain import Plain


class Pennsylvania:
    """A programme (`period.Programme`)."""

    netting = NettingInterval.MONTH

    def __init__(self, rules: PaRules, prices: Prices, contract: Contract | None) -> None:
        self.name = rules.name
        self.rules = rules
        self.prices = prices
        self.contract = contract
        self._periods = periods_by_bucket(prices.tariff)

    def settle(self, state: PaState, period: Period) -> tuple[PaState, Settled]:
        """One cycle: each period's net less what it has in store is billed; surplus is stored."""
        energy = period.energy
        self._refuse_tiers(period)
        found = list(netted(energy, self._periods, state.banks))
        lines = [self._line(part) for one in found for part in one.billed]
        lines += Plain(self.prices).top_up(energy, lines)
        lines += fixed_lines(energy, self.prices)
        banks: list[BankMove] = []
        if self.contract is not None and period.beside is not None:
            generation, own, banks = supplied(self.contract, state.generation, period)
            state, lines = replace(state, generation=generation), [*lines, *own]
        lines += self._not_ours()
        excess, why = self._weighted(state, found)
        after = replace(
            state,
            banks={one.period: one.after_milliwh for one in found if one.after_milliwh},
            excess=excess,
            unweighted=state.unweighted or why,
            import_milliwh=state.import_milliwh + energy.import_milliwh,
            uncertain_milliwh=state.uncertain_milliwh + sum(cell.uncertain_milliwh for cell in energy.cells),
            has_holes=state.has_holes or bool(energy.holes),
        )
        moves = [one.move(self.rules.bank) for one in found if one.held_milliwh or one.net_milliwh < 0]
        return after, Settled(tuple(lines), (*moves, *banks))

    def true_up(self, state: PaState, period: Period) -> tuple[PaState, Settled]:
        """The end of the year, of a supplier, or of the account: what the banks hold is paid or lost."""
        return close_year(self.rules, self.prices, self.contract, state, period)

    def _line(self, part: Part) -> Line:
        cell, supplier = part.cell, self.rules.supplier
        what = "Distribution" if supplier else "Energy"
        return energy_line(
            key_of("energy", cell.block, cell.bucket),
            f"{what} beyond the bank, {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
            part.milliwh,
            self.prices.retail_in_tier(cell, 0),
            self.prices.rounding,
            due=Due.NOW,
            scope=Scope.DELIVERY if supplier else Scope.ALL,
            source=self.prices.source(cell.block),
            uncertain_milliwh=cell.uncertain_milliwh,
            cells=(part.position,),
        )

    def _weighted(self, state: PaState, found: list[Netted]) -> tuple[Mapping[str, Excess], str]:
        """The year's surplus at each month's price to compare; and why there is none, where the tariff has none."""
        excess = dict(state.excess)
        if self.rules.supplier or self.rules.ptc_method is not PtcMethod.WEIGHTED:
            return excess, ""
        try:
            for one in found:
                for part in one.stored:
                    held = excess.get(one.period, Excess())
                    more = worth(part.milliwh, self.prices.price_to_compare(part.cell))
                    excess[one.period] = Excess(held.milliwh + part.milliwh, held.worth + more)
        except PriceError as error:
            return excess, str(error)
        return excess, ""

    def _not_ours(self) -> Iterator[Line]:
        if not self.rules.supplier or self.contract is not None:
            return
        yield Line(
            key="egs",
            label=f"Not included: generation and transmission, billed by {self.rules.supplier} as its contract says",
            kind=LineKind.NOT_INCLUDED,
            due=Due.NOTED,
            exact=ZERO,
            amount=ZERO,
            scope=Scope.GENERATION,
            source=self.rules.source,
        )

    def _refuse_tiers(self, period: Period) -> None:
        for block in period.energy.blocks:
            if block.version is not None and block.version.tier:
                raise PriceError(
                    f"{self.prices.source(block)}: prices by tier are not built for {self.name}; name a tariff without"
                )
