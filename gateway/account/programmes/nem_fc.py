"""Net metering for fuel cells: NEM 1.0's ledger, in which exports earn the generation part of the price alone.

What is taken costs the full price of its time of use, as metered; no netting of one against the other, because their
prices differ. Time of use is required; a year's surplus is not paid for. (net-metering A8; corrections A-16)
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ..cells import Cell, CycleEnergy
from ..charges import PriceError, days_of, key_of
from ..lines import Line, energy_line
from ..setting import Ready, Setting
from ..terms import Enlargement, Generator
from .nem import Nem
from .nem_maker import nem_opening, nem_rules
from .plain import imports_of

LARGEST = "largest_kw"
LAST_PTO = "last_pto"
FUEL_CELL = "fuel_cell"


class NemFuelCell(Nem):
    """A programme (`period.Programme`)."""

    def _energy(self, energy: CycleEnergy) -> Iterator[Line]:
        for position, cell in enumerate(energy.cells):
            if cell.import_milliwh:
                price = self.prices.retail_in_tier(cell, 0)
                yield self._one_way("energy", "Energy", cell, position, (cell.import_milliwh, price))
            if cell.export_milliwh:
                price = self.prices.generation(cell)
                yield self._one_way("export", "Generation credit", cell, position, (-cell.export_milliwh, price))

    def _by_quantity(self, energy: CycleEnergy) -> CycleEnergy:
        """What was taken: exports earn generation alone, and neither a tier nor the baseline is a part of it."""
        return imports_of(energy)

    def _one_way(self, key: str, what: str, cell: Cell, position: int, priced: tuple[int, Decimal]) -> Line:
        milliwh, rate = priced
        return energy_line(
            key_of(key, cell.block, cell.bucket),
            f"{what} {cell.bucket.replace('_', ' ')}, {days_of(cell.block)}",
            milliwh,
            rate,
            self.prices.rounding,
            due=self._energy_due,
            source=self.prices.source(cell.block),
            uncertain_milliwh=cell.import_uncertain_milliwh if milliwh > 0 else cell.export_uncertain_milliwh,
            cells=(position,),
        )


def make_nem_fc(setting: Setting) -> Ready[Any]:
    """The maker. Raises PriceError for a plant that the programme does not take."""
    _refuse(setting)
    rules = replace(nem_rules(setting), needs_time_of_use=True)
    opening = nem_opening(setting.opening, setting.held, setting.terms.payment, whole=setting.whole)
    return Ready(NemFuelCell(rules, setting.prices), opening)


def _refuse(setting: Setting) -> None:
    generator = setting.terms.generator
    if generator is None or generator.pto is None:
        needs = "nem_fc needs [generator] with technology, size_kw and pto: it takes fuel cells of its time"
        raise PriceError(needs, at=("generator",))
    if generator.technology.replace("-", "_").replace(" ", "_").lower() != FUEL_CELL:
        raise PriceError(
            f'nem_fc takes fuel cells alone, and technology is "{generator.technology}": write {FUEL_CELL}, or the '
            "programme of that plant",
            at=("generator", "technology"),
        )
    supplier = setting.prices.customer.supplier
    if supplier:
        raise PriceError(
            f"nem_fc credits exports at the utility's price of generation, and here that is {supplier}'s to pay: leave"
            " customer.supplier out, or take plain and the supplier's own terms",
            at=("customer", "supplier"),
        )
    _refuse_dates(setting, generator, generator.pto)
    largest = setting.file.figure_on(LARGEST, setting.prices.customer.utility, generator.pto)
    grown = _grown(setting, generator)
    size_kw = generator.size_kw + sum((one.added_kw for one in grown), Decimal(0))
    if size_kw > largest.value:
        enlarged = f", {generator.size_kw:f} and {len(grown)} enlargement(s)" if grown else ""
        raise PriceError(
            f"nem_fc takes plants up to {largest.value:f} kW, and this has {size_kw:f} kW{enlarged}: see the permission"
            " to operate, or write the programme that the utility has such a plant on",
            at=("generator", "size_kw"),
        )


def _refuse_dates(setting: Setting, generator: Generator, pto: date) -> None:
    """No permission to operate is given any more: neither to a plant nor to what is added to one."""
    last = setting.file.day(LAST_PTO, setting.prices.customer.utility)
    if last is None:
        return
    if pto > last.day:
        raise PriceError(
            f"nem_fc takes no plant with permission to operate after {last.day}, and pto = {pto}: see the letter, or"
            " write the programme that the utility has the plant on",
            at=("generator", "pto"),
        )
    late = [one.day for one in _grown(setting, generator) if one.day > last.day]
    if late:
        raise PriceError(
            f"nem_fc takes nothing with permission to operate after {last.day}, and the plant grew on {late[0]}:"
            " write the [[programme]] that the utility has put it on from then"
        )


def _grown(setting: Setting, generator: Generator) -> list[Enlargement]:
    """What was added until the account leaves this programme; all of it where it does not."""
    stints = setting.terms.programme
    ends = [after.first for stint, after in pairwise(stints) if stint.name == setting.file.id]
    until = date.max if stints[-1].name == setting.file.id or not ends else ends[-1]
    return [one for one in generator.enlargement if one.day < until]
