"""The twin of Pennsylvania: kilowatt-hours in a bank a period of the day, paid at the price to compare in May.

What a cycle bills is what its net and its bank leave of each other. The price to compare is an average weighted by each
month's surplus: where the months' weights are uncertain, so is it. (pa_bank, pa_year)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

from ...tariff.calendar import UNASSIGNED_NAME
from ..cells import CycleEnergy
from ..charges import PriceError
from ..money import MILLIWH_PER_KWH_PLACES, ZERO, divided, kwh, to_step
from ..programmes.pa import Pennsylvania
from ..programmes.pa_bank import periods_by_bucket
from ..programmes.pa_state import GENERATION_BANK, Excess, PaState
from .billing import up_to_minimum
from .ranges import NOTHING, Range, around, spend, sum_of, sure
from .shares import GroupOf, Priced, nets_of, share_by_cell, shared_lines
from .told import Step, Told, as_printed, held_or, settled_within

BEFORE = "year_before_kwh"
"""What was purchased in the year before: no bank, but it goes on like one when the supplier changes."""
_FINE = Decimal("1e-15")
"""An average is told to this, outwards."""


class PaTwin:
    """`pennsylvania`."""

    def __init__(self, programme: Pennsylvania, state: PaState, held: Mapping[str, Range]) -> None:
        self._programme = programme
        self._group = group_by(periods_by_bucket(programme.prices.tariff))
        own = {f"{programme.rules.bank}.{name}": kwh(one) for name, one in state.banks.items()}
        own |= {f"{GENERATION_BANK}.{name}": kwh(one) for name, one in state.generation.items()}
        self.banks = {name: held_or(held, name, amount) for name, amount in own.items()}
        if state.before_milliwh:
            self.banks[BEFORE] = held_or(held, BEFORE, kwh(state.before_milliwh))
        self._begin(state)

    def _begin(self, state: PaState) -> None:
        """What was stored this year by period: (kWh, price to compare) of each month."""
        self._stored: dict[str, list[tuple[Range, Decimal]]] = {
            name: [(sure(kwh(one.milliwh)), to_step(divided(one.worth, kwh(one.milliwh)), _FINE))]
            for name, one in state.excess.items()
            if one.milliwh
        }
        self._off_milliwh = 0

    def cycle(self, step: Step) -> Told:
        """What the banks do not cover is billed; what was given is stored."""
        programme = self._programme
        self._store(step.energy)
        self._off_milliwh += step.energy.import_uncertain_milliwh
        exact = self._net(
            step.energy, self._group, programme.rules.bank, Priced("energy", programme.prices.retail_in_tier)
        )
        lines = as_printed(exact, step.bill.settled.lines)
        told = up_to_minimum(step, programme.prices, sum_of(lines.values()))
        contract, beside = programme.contract, step.bill.period.beside
        supplied: dict[str, Range] = {}
        if contract is not None and beside is not None:
            priced = Priced("egs.energy", lambda cell, _: contract.prices.generation(cell))
            exact = self._net(beside, group_by(contract.periods), GENERATION_BANK, priced)
            supplied = as_printed(exact, step.bill.settled.lines)
        due = told.due + sum_of(supplied.values())
        return Told(due, due, {**lines, **supplied, **told.lines}, dict(self.banks))

    def close(self, step: Step) -> Told:
        """Banks, prices and what was purchased at their ends."""
        state, prefix = step.after, f"{self._programme.rules.bank}."
        assert isinstance(state, PaState)
        banks, generation = self._held(prefix), self._held(f"{GENERATION_BANK}.")
        prices = {name: self._price(name) for name in banks if self._stored.get(name)}
        states = []
        for low_bank, low_price, sign in product((True, False), (True, False), (1, -1)):
            states.append(
                replace(
                    state,
                    banks={name: _milliwh(_end(one, low=low_bank)) for name, one in banks.items()},
                    generation={name: _milliwh(_end(one, low=low_bank)) for name, one in generation.items()},
                    excess={
                        **state.excess,
                        **{name: _priced(_end(one, low=low_price)) for name, one in prices.items()},
                    },
                    import_milliwh=max(0, state.import_milliwh + sign * self._off_milliwh),
                    before_milliwh=self._before(state, low=sign > 0),
                )
            )
        told = settled_within(self._programme, states, step)
        self.banks = {
            name: told.after.get(name, one) for name, one in self.banks.items() if not name.startswith(prefix)
        }
        self.banks[BEFORE] = around(kwh(state.import_milliwh), kwh(self._off_milliwh)).not_below_zero
        self._begin(PaState())
        return told

    def _before(self, state: PaState, *, low: bool) -> int | None:
        """What was purchased in the year before, at one end; one without any stays so."""
        if not state.before_milliwh:
            return state.before_milliwh
        return _milliwh(_end(self.banks.get(BEFORE, sure(kwh(state.before_milliwh))), low=low))

    def _held(self, prefix: str) -> dict[str, Range]:
        """Banks by period of the day."""
        return {name.removeprefix(prefix): one for name, one in self.banks.items() if name.startswith(prefix)}

    def _net(self, energy: CycleEnergy, group: GroupOf, bank: str, priced: Priced) -> dict[str, Range]:
        """Each period's net against its bank; what is left is laid on its cells."""
        nets, prefix = nets_of(energy, group), f"{bank}."
        held, billed = self._held(prefix), dict[str, Range]()
        for name in dict.fromkeys([*held, *nets]):
            net, before = nets.get(name, NOTHING), held.get(name, NOTHING)
            billed[name] = spend(before, net.not_below_zero).left
            self.banks[prefix + name] = (before - net).not_below_zero
        return shared_lines(energy, billed, group, 1, priced)

    def _store(self, energy: CycleEnergy) -> None:
        """What each cell's part of a period's surplus may be, with its price."""
        if self._programme.rules.supplier:
            return
        surplus = {name: (-net).not_below_zero for name, net in nets_of(energy, self._group).items()}
        parts = share_by_cell(energy.cells, surplus, self._group, -1)
        for cell, part in zip(energy.cells, parts, strict=True):
            if part.high and cell.bucket != UNASSIGNED_NAME:
                try:
                    price = self._programme.prices.price_to_compare(cell)
                except PriceError:  # the programme tells that the payment is pending
                    return
                self._stored.setdefault(self._group(cell), []).append((part, price))

    def _price(self, name: str) -> Range:
        """The average weighted by what each month stored."""
        stored = self._stored[name]
        return Range(_average(stored, up=False), _average(stored, up=True))


def group_by(periods: Mapping[str, str]) -> GroupOf:
    """Cells by period of the day."""
    return lambda cell: periods.get(cell.bucket, cell.bucket)


def _average(stored: Sequence[tuple[Range, Decimal]], *, up: bool) -> Decimal:
    """The greatest (least) weighted average: dear months at most and the others at least, from some price on."""
    ordered = sorted(stored, key=lambda one: one[1], reverse=up)
    found = []
    for dear in range(len(ordered) + 1):
        weights = [one.high if at < dear else one.low for at, (one, _) in enumerate(ordered)]
        if any(weights):
            worth = sum((weight * price for weight, (_, price) in zip(weights, ordered, strict=True)), ZERO)
            found.append(divided(worth, sum(weights, ZERO)))
    return to_step(max(found), _FINE) + _FINE if up else max(ZERO, to_step(min(found), _FINE) - _FINE)


def _priced(per_kwh: Decimal) -> Excess:
    """A surplus that is worth so much a kilowatt-hour."""
    return Excess(10**MILLIWH_PER_KWH_PLACES, per_kwh)


def _end(one: Range, *, low: bool) -> Decimal:
    return one.low if low else one.high


def _milliwh(amount_kwh: Decimal) -> int:
    return int(amount_kwh.scaleb(MILLIWH_PER_KWH_PLACES))
