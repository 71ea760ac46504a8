"""What the generic programmes share: lines of taken and given energy by tier, and the charges that no energy makes.

After SAM's metering options (net-metering 3.1). Fixed charges are never set off by credits. A minimum tops up what is
due for energy and fixed charges, never below zero; the year's minimum looks at those sums without the months' top-ups.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from ...tariff.cycles import Block
from ..cells import Cell, CycleEnergy
from ..charges import MonthlyCharges, Prices, days_of, fixed_lines, key_of, minimum_lines, printed_total
from ..lines import Due, Line, LineKind, money_line
from ..money import ZERO, kwh, rounded, share, total
from ..period import Period
from ..tiers import PARTS_PER_MILLIWH
from .step_prices import given_by_step, taken_by_step

CYCLES_A_YEAR = 12
MONEY_BANK = "credit"
IMPORT_PRICE = "import_price"
_PART_PLACES = -len(str(PARTS_PER_MILLIWH)) + 1
_ONE_DAY = timedelta(days=1)


class ExportPrice(StrEnum):
    """What exported energy is worth."""

    TARIFF = "tariff"
    """`export_per_kwh` of the tariff's version."""
    RETAIL = "retail"
    """The full price of the same hour."""
    SERIES = "series"
    """Time-step prices, from the account's own file."""


class ImportPrice(StrEnum):
    """What imported energy costs."""

    TARIFF = "tariff"
    SERIES = "series"
    """Time-step prices, from the account's own file."""


class YearMinimumAt(StrEnum):
    """When a year's bills are held against the year's minimum."""

    DECEMBER = "december"
    """With the cycle that holds 31 December, whatever the month of the true-up."""
    TRUE_UP = "true_up"


@dataclass(frozen=True, slots=True)
class GenericRules:
    """What an account's choices decide for all five."""

    name: str
    source: str
    export_price: ExportPrice = ExportPrice.TARIFF
    year_minimum_at: YearMinimumAt = YearMinimumAt.DECEMBER
    notes: tuple[str, ...] = ()
    import_price: ImportPrice = ImportPrice.TARIFF


@dataclass(frozen=True, slots=True)
class YearBills:
    """What the year's cycles came to so far: max(0, energy + fixed) of each, and how many whole ones they were."""

    billed: Decimal = ZERO
    cycles: int = 0
    begun: bool = False
    """Whether the last one settled is a piece of a cycle that was this programme's from its first day."""
    days: int = 0
    minimum_days: Decimal = ZERO
    """The year's minimum of each day's version, added up over the days."""

    def with_cycle(self, energy: CycleEnergy, billed: Decimal) -> "YearBills":
        """After a cycle or a piece of one. A piece is no cycle: it counts with the one that ends it."""
        known = self.begun or energy.cycle.first_day == energy.whole_cycle.first_day
        ended = known and energy.ends_cycle
        return YearBills(
            self.billed + billed,
            self.cycles + ended,
            begun=known and not energy.ends_cycle,
            days=self.days + energy.cycle.days,
            minimum_days=self.minimum_days + total(_year_minimum(one) * one.days for one in energy.blocks),
        )

    def least(self, last: Block, prices: Prices) -> Decimal:
        """The year's minimum: where versions differ each bears its days' share, or the last one's holds."""
        least = _year_minimum(last)
        if prices.monthly is MonthlyCharges.LAST_DAY or self.minimum_days == least * self.days:
            return least
        return share(self.minimum_days, 0, 1, self.days, prices.rounding)


NO_BILLS = YearBills()


@dataclass(frozen=True, slots=True)
class Share:
    """Energy of one cell in one tier, in `PARTS_PER_MILLIWH`."""

    position: int
    cell: Cell
    tier: int
    parts: int
    is_net: bool = False
    """Whether it is of the cell's net, which the doubt about either direction concerns."""

    @property
    def uncertain_milliwh(self) -> tuple[int, int]:
        """By how much it may be off: as energy taken, and as energy given."""
        if self.is_net:
            return self.cell.uncertain_milliwh, self.cell.uncertain_milliwh
        return self.cell.import_uncertain_milliwh, self.cell.export_uncertain_milliwh


def taken_in_order(energy: CycleEnergy) -> Iterator[Share]:
    """Imports, each interval in the tier that the cycle's imports had come to."""
    for position, cell in enumerate(energy.cells):
        for tier, milliwh in enumerate(cell.parts.import_tiers_milliwh or (cell.import_milliwh,)):
            if milliwh:
                yield Share(position, cell, tier, milliwh * PARTS_PER_MILLIWH)


def given_in_order(energy: CycleEnergy) -> Iterator[Share]:
    """Exports, in the tiers mirrored below zero: counted apart from imports, from nothing up."""
    for position, cell in enumerate(energy.cells):
        for tier, milliwh in enumerate(cell.parts.export_tiers_milliwh or (cell.export_milliwh,)):
            if milliwh:
                yield Share(position, cell, tier, milliwh * PARTS_PER_MILLIWH)


def taken_line(share: Share, prices: Prices, what: str = "Energy") -> Line:
    """A charge at the full price of its tier."""
    return _line("energy", what, share, 1, prices.retail_in_tier(share.cell, share.tier), prices, Due.NOW)


def given_line(share: Share, prices: Prices, rule: ExportPrice, due: Due) -> Line:
    """A credit at the price of exports in its tier."""
    in_tier = prices.export if rule is ExportPrice.TARIFF else prices.retail_in_tier
    return _line("export", "Export", share, -1, in_tier(share.cell, share.tier), prices, due)


def energy_lines(energy: CycleEnergy, prices: Prices, rule: ImportPrice) -> list[Line]:
    """All charges of a cycle whose imports are priced as metered."""
    if rule is ImportPrice.SERIES:
        return list(taken_by_step(energy, prices))
    return [taken_line(one, prices) for one in taken_in_order(energy)]


def export_lines(energy: CycleEnergy, prices: Prices, rule: ExportPrice, due: Due) -> list[Line]:
    """All credits of a cycle whose exports are priced as metered."""
    if rule is ExportPrice.SERIES:
        return list(given_by_step(energy, prices, due))
    return [given_line(one, prices, rule, due) for one in given_in_order(energy)]


def standing_lines(
    period: Period, prices: Prices, rules: GenericRules, energy_due: Decimal, year: YearBills
) -> tuple[list[Line], YearBills]:
    """Fixed charges and what lacks to the minimums; with the year's sum after this cycle."""
    energy = period.energy
    lines = list(fixed_lines(energy, prices))
    billed = max(ZERO, energy_due + printed_total(lines))
    minimums = list(minimum_lines(energy, prices))
    lines.extend(_top_up("minimum", "the cycle's minimum", printed_total(minimums), billed, energy, prices))
    after = year.with_cycle(energy, billed)
    if not _ends_year(period, rules):
        return lines, after
    if after.cycles >= CYCLES_A_YEAR:
        least = after.least(energy.blocks[-1], prices)
        lines.extend(_top_up("minimum_year", "the year's minimum", least, after.billed, energy, prices))
    return lines, NO_BILLS


def skipped_minimum(period: Period, rules: GenericRules, year: YearBills) -> tuple[str, ...]:
    """The sentence where a year's minimum cannot be held against a whole year."""
    block = period.energy.blocks[-1]
    known = year.with_cycle(period.energy, ZERO).cycles
    if block.version is None or not block.version.minimum_per_year or not _ends_year(period, rules):
        return ()
    if known >= CYCLES_A_YEAR:
        return ()
    return (f"the year's minimum is not reckoned: {known} of its {CYCLES_A_YEAR} cycles are known here",)


def bank_line(key: str, label: str, amount: Decimal, prices: Prices, source: str) -> list[Line]:
    """Money out of a bank, or into it; no line where nothing moved."""
    if not amount:
        return []
    return [money_line(key, label, amount, prices.rounding, kind=LineKind.BANK, due=Due.NOW, source=source)]


def _year_minimum(block: Block) -> Decimal:
    return ZERO if block.version is None else total(block.version.minimum_per_year.values())


def _ends_year(period: Period, rules: GenericRules) -> bool:
    if rules.year_minimum_at is YearMinimumAt.TRUE_UP:
        return period.closes_year
    return period.cycle.first_day.year != (period.cycle.last_day + _ONE_DAY).year


def _top_up(
    key: str, what: str, least: Decimal, billed: Decimal, energy: CycleEnergy, prices: Prices
) -> Iterator[Line]:
    if billed >= least:
        return
    yield money_line(
        key,
        f"Up to {what} of {least:f}, {energy.cycle.first_day} to {energy.cycle.last_day}",
        least - billed,
        prices.rounding,
        kind=LineKind.FIXED,
        due=Due.NOW,
        source=prices.source(energy.blocks[-1]),
    )


def _line(prefix: str, what: str, share: Share, sign: int, rate: Decimal, prices: Prices, due: Due) -> Line:
    cell = share.cell
    milliwh, rest = divmod(share.parts, PARTS_PER_MILLIWH)
    quantity = sign * (kwh(share.parts).scaleb(_PART_PLACES) if rest else kwh(milliwh))
    exact = quantity * rate
    tiered = bool(cell.parts.limits_milliwh)
    return Line(
        key=key_of(prefix, cell.block, cell.bucket, *([f"tier{share.tier + 1}"] if tiered else [])),
        label=f"{what} {_words(cell.bucket)}{_tier(share) if tiered else ''}, {days_of(cell.block)}",
        kind=LineKind.ENERGY if sign > 0 else LineKind.CREDIT,
        due=due,
        exact=exact,
        amount=rounded(exact, prices.rounding),
        quantity=quantity,
        unit="kWh",
        rate=rate,
        source=prices.source(cell.block),
        uncertain_milliwh=share.uncertain_milliwh[0 if sign > 0 else 1],
        cells=(share.position,),
    )


def _tier(share: Share) -> str:
    limits = share.cell.parts.limits_milliwh
    if not share.tier:
        return f", up to {kwh(limits[0]).normalize():f} kWh of all hours"
    return f", above {kwh(limits[share.tier - 1]).normalize():f} kWh of all hours"


def _words(bucket: str) -> str:
    return bucket.replace("_", " ")
