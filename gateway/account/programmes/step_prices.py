"""Lines of energy at time-step prices: one amount for each cell. Their average price is none of ours to print.

What is uncertain of one is valued at the price of its step. (net-metering 3.1: time-step buy and sell rates)
"""

from collections.abc import Iterator
from decimal import Decimal

from ..cells import Cell, CycleEnergy
from ..charges import PriceError, Prices, days_of, key_of
from ..lines import Due, Line, LineKind
from ..money import kwh, rounded


def taken_by_step(energy: CycleEnergy, prices: Prices) -> Iterator[Line]:
    """Imports: the price of each step stands for the tariff's, tiers and all."""
    for position, cell in enumerate(energy.cells):
        if not cell.import_milliwh:
            continue
        if cell.parts.import_worth is None:
            raise PriceError("imports have time-step prices, and the account names no file of them: import_prices")
        doubt = cell.parts.import_step_doubt
        yield _line("energy", "Energy", cell, position, 1, cell.parts.import_worth, doubt, prices, Due.NOW)


def given_by_step(energy: CycleEnergy, prices: Prices, due: Due) -> Iterator[Line]:
    """Exports."""
    for position, cell in enumerate(energy.cells):
        if not cell.export_milliwh:
            continue
        if cell.parts.export_worth is None:
            raise PriceError("exports have time-step prices, and the account names no file of them: export_prices")
        doubt = cell.parts.export_step_doubt
        yield _line("export", "Export", cell, position, -1, cell.parts.export_worth, doubt, prices, due)


def _line(
    prefix: str,
    what: str,
    cell: Cell,
    position: int,
    sign: int,
    exact: Decimal,
    doubt: Decimal,
    prices: Prices,
    due: Due,
) -> Line:
    takes = sign > 0
    return Line(
        key=key_of(prefix, cell.block, cell.bucket),
        label=f"{what} {cell.bucket.replace('_', ' ')} at time-step prices, {days_of(cell.block)}",
        kind=LineKind.ENERGY if takes else LineKind.CREDIT,
        due=due,
        exact=sign * exact,
        amount=rounded(sign * exact, prices.rounding),
        quantity=sign * kwh(cell.import_milliwh if takes else cell.export_milliwh),
        unit="kWh",
        source=f"{'import' if takes else 'export'}_prices of the account",
        uncertain_milliwh=cell.import_uncertain_milliwh if takes else cell.export_uncertain_milliwh,
        cells=(position,),
        uncertain_worth=doubt,
    )
