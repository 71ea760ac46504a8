"""What exports earn beside their price: ACC Plus to its last day, and the additions that the account names.

ACC Plus is by the kilowatt-hour and ends with a local day; of a bill that goes on beyond it the exports up to that day
earn it. The account's own additions go by a bill's last day, for all of it. (net-metering 1.3; corrections A-8)
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from ...tariff.walltime import wall_to_us
from ..cells import Cell, CycleEnergy
from ..lines import Due, Line, LineKind, Scope, energy_line
from ..money import MILLIWH_PER_KWH_PLACES, Rounding, total
from ..price_series import PRICE_PLACES, PriceSeries
from ..programme_file import Figure
from .nbt_state import NbtRules

ACC_PLUS = "acc_plus"
"""As a component of export prices, where it ends within the time that is reckoned."""
_ONE_DAY = timedelta(days=1)


def bonus_series(
    figure: Figure | None, until: date | None, zone: ZoneInfo, start_us: int, end_us: int
) -> Mapping[str, PriceSeries]:
    """ACC Plus as a price that ends within [start_us, end_us); nothing where it holds for all of that, or for none."""
    if figure is None or until is None:
        return {}
    ends_us = wall_to_us(until + _ONE_DAY, 0, zone)
    if not start_us < ends_us < end_us:
        return {}
    prices = np.array([int(figure.value.scaleb(PRICE_PLACES)), 0], dtype=np.int64)
    return {ACC_PLUS: PriceSeries(figure.source, np.array([start_us, ends_us], dtype=np.int64), prices, end_us)}


def adder_lines(rules: NbtRules, energy: CycleEnergy, bank: str, rounding: Rounding) -> Iterator[Line]:
    """On the cycle's exports, for one bank."""
    last, adders = energy.cycle.last_day, []
    figure, until = rules.acc_plus, rules.acc_plus_until
    if figure is not None and bank == "bonus" and (until is None or energy.cycle.first_day <= until):
        ends = until if until is not None and until < last else None
        given = {at: _given_milliwh(one, figure, ends) for at, one in enumerate(energy.cells)}
        name = "ACC Plus bonus credit" + (f", for exports to {ends}" if ends else "")
        adders.append((ACC_PLUS, name, figure.value, figure.source, given))
    whole = {at: one.export_milliwh for at, one in enumerate(energy.cells)}
    for number, one in enumerate(rules.adders, 1):
        if one.bank == bank and one.first <= last and (one.last_day is None or last <= one.last_day):
            adders.append((f"adder.{number}", one.name, one.per_kwh, one.source, whole))
    for key, name, rate, source, given in adders:
        flowing = [at for at, milliwh in given.items() if milliwh]
        if flowing:
            line = energy_line(
                f"credit.{key}",
                name,
                -sum(given.values()),
                rate,
                rounding,
                kind=LineKind.CREDIT,
                due=Due.NOTED,
                scope=Scope.ALL if bank == "bonus" else Scope(bank),
                source=source,
                uncertain_milliwh=sum(energy.cells[at].export_uncertain_milliwh for at in flowing),
                cells=tuple(flowing),
            )
            yield replace(line, uncertain_worth=_dated_doubt(energy)) if key == ACC_PLUS else line


def _dated_doubt(energy: CycleEnergy) -> Decimal | None:
    """What ACC Plus may be off by where it has a last day, whose midnight is an edge; None: as any other addition."""
    parts = [
        one.uncertain_worth for cell in energy.cells for one in cell.parts.export_parts if one.component == ACC_PLUS
    ]
    return total(parts) if parts else None


def _given_milliwh(cell: Cell, figure: Figure, ends: date | None) -> int:
    """A cell's exports that earn ACC Plus. `ends`: its last day, where that is within the cycle."""
    if ends is None:
        return cell.export_milliwh
    worth = next((one.worth for one in cell.parts.export_parts if one.component == ACC_PLUS), None)
    # Each interval earned it whole or not at all: what they earned, divided by it, are their milliwatt-hours.
    return 0 if worth is None else int(worth.scaleb(MILLIWH_PER_KWH_PLACES) / figure.value)
