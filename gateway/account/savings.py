"""What a plant saved in a year, by the documents' formula, and beside it the bill of the house without a plant.

Savings = self-consumed kWh x retail rate + exported kWh x export rate - non-bypassable charges, each kilowatt-hour at
the price of its own bucket and block (document 001; corrections A-16). Both need a production meter: what a house used
of its own production no grid meter sees. Not the same figure: the formula knows no fixed charge, no tier, no true-up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from ..tariff.calendar import Calendar
from .account_file import AccountFile
from .cells import Cell, CycleEnergy, energy_of_cycles
from .charges import PriceError, Prices
from .energy import EnergyTable
from .lines import LineKind
from .money import ZERO, Rounding, kwh_text, rounded, total, worth
from .netting import NettingInterval
from .period import Period
from .programmes.plain import Plain, PlainState
from .registry import PLAIN, sells_transmission
from .statement import Statements

RETAIL, RETAIL_LESS_CHARGES, CREDITS = "nem1", "nem2", "nbt"


@dataclass(frozen=True, slots=True)
class House:
    """A year of one programme: its account, its bills, and what the plant made in the same days."""

    account: AccountFile
    made: Statements
    calendar: Calendar
    production: EnergyTable


@dataclass(frozen=True, slots=True)
class Savings:
    """Money in the tariff's currency, each rounded once."""

    self_consumed: Decimal
    """At retail."""
    exported: Decimal
    """At the programme's price of exports."""
    non_bypassable: Decimal
    without_plant: Decimal
    """What the year would have cost with all that the house used taken from the grid, fixed charges included."""

    @property
    def total(self) -> Decimal:
        """The documents' formula."""
        return self.self_consumed + self.exported - self.non_bypassable


def savings_of(house: House) -> Savings:
    """Raises PriceError for a programme whose exports the formula has no price for."""
    bills = house.made.statements
    prices = _prices(house, Rounding.NONE)
    produced = energy_of_cycles(
        house.production, [one.slot.cycle for one in bills], house.calendar, NettingInterval.NONE
    )
    own, without = ZERO, ZERO
    for bill, made in zip(bills, produced, strict=True):
        used = _used(bill.energy, made)
        own += total(worth(one.import_milliwh - taken, prices.retail_in_tier(one, 0)) for one, taken in used)
        without += _plain_bill(house, bill.energy, [one for one, _ in used], bill.bill.period)
    lines = [line for bill in bills for line in bill.bill.settled.lines]
    charges = total(line.amount for line in lines if line.kind is LineKind.NON_BYPASSABLE)
    return Savings(
        rounded(own, Rounding.CENT),
        rounded(_exported(house, prices), Rounding.CENT),
        rounded(charges, Rounding.CENT),
        rounded(without, Rounding.CENT),
    )


def _used(grid: CycleEnergy, made: CycleEnergy) -> list[tuple[Cell, int]]:
    """The house's whole use by cell, as imports, and what of it the grid gave. Raises PriceError if made < exported."""
    produced = {(cell.block.first_day, cell.bucket): cell.export_milliwh for cell in made.cells}
    given = sum(cell.export_milliwh for cell in grid.cells)
    if sum(produced.values()) < given:
        raise PriceError(
            f"from {grid.cycle.first_day} to {grid.cycle.last_day} the production meter counted "
            f"{kwh_text(sum(produced.values()))} kWh and the grid meter {kwh_text(given)} kWh of exports: "
            "the production meter does not see all of the plant"
        )
    found: list[tuple[Cell, int]] = []
    for cell in grid.cells:
        own = produced.get((cell.block.first_day, cell.bucket), 0) - cell.export_milliwh
        use = replace(cell, import_milliwh=cell.import_milliwh + own, export_milliwh=0)
        found.append((use, cell.import_milliwh))
    return found


def _plain_bill(house: House, energy: CycleEnergy, cells: list[Cell], period: Period) -> Decimal:
    """The same cycle without a plant and without net metering."""
    prices = _prices(house, house.account.terms.billing.rounding)
    used = replace(period, energy=replace(energy, cells=tuple(cells)))
    _, settled = Plain(prices).settle(PlainState(), used)
    return total(line.amount for line in settled.lines)


def _prices(house: House, rounding: Rounding) -> Prices:
    account = house.account
    transmission = sells_transmission(account.terms)
    return Prices(account.tariff, account.terms.customer, rounding, sells_transmission=transmission)


def _exported(house: House, prices: Prices) -> Decimal:
    """Exports at the programme's own price of them."""
    programme = house.made.statements[0].slot.programme
    if programme == PLAIN:
        return ZERO
    if programme == CREDITS:
        return -total(
            line.amount
            for bill in house.made.statements
            for line in bill.bill.settled.lines
            if line.kind is LineKind.CREDIT and line.key.startswith("credit.")
        )
    if programme not in (RETAIL, RETAIL_LESS_CHARGES):
        raise PriceError(f"the documents' formula has no export rate for {programme}")
    return total(
        worth(cell.export_milliwh, prices.retail_in_tier(cell, 0) - (_charged(prices, cell, programme)))
        for cell in _exporting(house)
    )


def _charged(prices: Prices, cell: Cell, programme: str) -> Decimal:
    return prices.non_bypassable(cell) if programme == RETAIL_LESS_CHARGES else ZERO


def _exporting(house: House) -> Iterator[Cell]:
    return (cell for bill in house.made.statements for cell in bill.energy.cells if cell.export_milliwh)
