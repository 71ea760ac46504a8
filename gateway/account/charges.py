"""Lines that a tariff alone makes of a cycle's cells and days: energy by bucket, fixed and minimum charges.

Each price is a sum of components (`tariff.prices`); what the tariff's figures leave out is refused with its reason.
Programmes choose which of these lines there are, on which energy, and when they are due; nothing here knows one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ..config.problem import TomlPath
from ..tariff.calendar import UNASSIGNED_NAME
from ..tariff.cycles import Block, Cycle
from ..tariff.flags import Need
from ..tariff.prices import LeftOutError, export_per_kwh, part_per_kwh, price_components
from ..tariff.types import Tariff, Version
from .cells import Cell, CycleEnergy
from .lines import Due, Line, LineKind, Scope, counted_line, money_line
from .money import Rounding, kwh, share, total
from .terms import Customer
from .trouble import NotReckonedError


class MonthlyCharges(StrEnum):
    """Where a charge by the month goes when prices change within a billing cycle, or the cycle is cut."""

    BY_DAY = "by_day"
    """Each version and each piece of the cycle bears the share of its days."""
    LAST_DAY = "last_day"
    """All of it on the piece that ends the cycle, at the version of its last day."""


class PriceError(NotReckonedError):
    """A price is needed that the tariff does not have; the message is the reason and the mend, for the user."""

    def __init__(self, message: str, at: TomlPath | None = ()) -> None:
        super().__init__(message, at)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a kilowatt-hour costs one customer, from one tariff."""

    tariff: Tariff
    customer: Customer
    rounding: Rounding
    monthly: MonthlyCharges = MonthlyCharges.BY_DAY
    sells_transmission: bool = False
    """Whether another supplier sells transmission with its energy, and no exit fee stands in for it: Pennsylvania."""

    def retail_in_tier(self, cell: Cell, tier: int) -> Decimal:
        """The full price above the tier's limit (0: below the first).

        With another supplier: without what that one sells, with what stands for it.
        """
        version = self._version(cell)
        if self.customer.supplier and not self.sells_transmission:
            return self._part(version, cell.bucket, Need.DELIVERY, tier) + self._exit_fees(version)
        retail = self._part(version, cell.bucket, Need.RETAIL, tier)
        if not self.customer.supplier:
            return retail
        return retail - self._part(version, cell.bucket, Need.PRICE_TO_COMPARE, tier)

    def export(self, cell: Cell, tier: int = 0) -> Decimal:
        """What an exported kilowatt-hour is paid, where the tariff says it apart from the price."""
        try:
            return export_per_kwh(self.tariff, self._version(cell), cell.bucket, tier)
        except LeftOutError as error:
            raise PriceError(str(error)) from error

    def non_bypassable(self, cell: Cell) -> Decimal:
        """The part of the full price that no export sets off."""
        return self._part(self._version(cell), cell.bucket, Need.NON_BYPASSABLE)

    def generation(self, cell: Cell) -> Decimal:
        """The supply part."""
        return self._part(self._version(cell), cell.bucket, Need.SUPPLY)

    def generation_in(self, version: Version, bucket: str) -> Decimal:
        """The same of a bucket in which nothing needs to have flowed."""
        return self._part(version, bucket, Need.SUPPLY)

    def price_to_compare(self, cell: Cell) -> Decimal:
        """Supply and transmission, without distribution."""
        return self._part(self._version(cell), cell.bucket, Need.PRICE_TO_COMPARE)

    def price_to_compare_in(self, version: Version, bucket: str) -> Decimal:
        """The same of a bucket in which nothing needs to have flowed."""
        return self._part(version, bucket, Need.PRICE_TO_COMPARE)

    def components(self, cell: Cell) -> Mapping[str, Decimal]:
        """Every component of the price, by name."""
        return price_components(self._version(cell), cell.bucket)

    def source(self, block: Block) -> str:
        """Where a block's prices stand."""
        assert block.version is not None
        return f"{self.tariff.id}, version {block.version.id}: {block.version.source}"

    def _version(self, cell: Cell) -> Version:
        version = cell.block.version
        days = f"{cell.block.first_day} to {cell.block.last_day}"
        if version is None:
            raise PriceError(
                f"tariff {self.tariff.id} has no price for {days}, and {kwh(cell.import_milliwh):f} kWh were imported; "
                "add the version that held then to the tariff, or close the account before"
            )
        if cell.bucket == UNASSIGNED_NAME:
            raise PriceError(
                f"tariff {self.tariff.id}, version {version.id}: hours of {days} are in no period, "
                f"and {kwh(cell.import_milliwh):f} kWh flowed in them; `netmeter tariff check` names the hours"
            )
        return version

    def _part(self, version: Version, bucket: str, need: Need, tier: int = 0) -> Decimal:
        try:
            return part_per_kwh(self.tariff, version, bucket, need, tier)
        except LeftOutError as error:
            raise PriceError(str(error)) from error

    def _exit_fees(self, version: Version) -> Decimal:
        vintage = self.customer.pcia_vintage
        here = f"tariff {self.tariff.id}, version {version.id}"
        if not vintage:
            raise PriceError(
                f"{here}: with another supplier the account needs customer.pcia_vintage, the year it began"
            )
        if vintage not in version.pcia_per_kwh:
            known = ", ".join(sorted(version.pcia_per_kwh)) or "none"
            raise PriceError(f"{here}: there is no PCIA of vintage {vintage}; it has {known}")
        return version.pcia_per_kwh[vintage] + version.franchise_fee_per_kwh.get(vintage, Decimal(0))


def key_of(prefix: str, block: Block, *rest: str) -> str:
    """A line's key: `energy.2026-06-01.summer_peak`."""
    return ".".join((prefix, block.first_day.isoformat(), *rest))


def days_of(block: Block) -> str:
    """A block's days for a label."""
    return f"{block.first_day} to {block.last_day}"


def fixed_lines(energy: CycleEnergy, prices: Prices) -> Iterator[Line]:
    """What is due whatever flows, day by day of each version; never given back (A-3)."""
    for block in _version_blocks(energy):
        version = block.version
        if version is None:
            continue
        for name, rate in {**version.fixed_per_day, **_base_services(version, prices)}.items():
            yield counted_line(
                key_of("fixed", block, name),
                f"{name.replace('_', ' ').capitalize()}, {days_of(block)}",
                block.days,
                "days",
                rate,
                prices.rounding,
                kind=LineKind.FIXED,
                due=Due.NOW,
                scope=Scope.DELIVERY,
                source=prices.source(block),
            )
    yield from _monthly(energy, prices, "fixed", LineKind.FIXED)


def minimum_lines(energy: CycleEnergy, prices: Prices) -> Iterator[Line]:
    """The least that is billed: due now, credited at the true-up (A-3)."""
    for block in _version_blocks(energy):
        if block.version is None:
            continue
        for name, rate in block.version.minimum_per_day.items():
            yield counted_line(
                key_of("minimum", block, name),
                f"{name.replace('_', ' ').capitalize()}, {days_of(block)}",
                block.days,
                "days",
                rate,
                prices.rounding,
                kind=LineKind.MINIMUM,
                due=Due.NOW,
                scope=Scope.DELIVERY,
                source=prices.source(block),
            )
    yield from _monthly(energy, prices, "minimum", LineKind.MINIMUM)


def by_block(energy: CycleEnergy) -> Iterator[tuple[Block, tuple[tuple[int, Cell], ...]]]:
    """The cells of each block, with their positions."""
    held: list[tuple[int, Cell]] = []
    for position, cell in enumerate(energy.cells):
        if held and held[0][1].block is not cell.block:
            yield held[0][1].block, tuple(held)
            held = []
        held.append((position, cell))
    if held:
        yield held[0][1].block, tuple(held)


def printed_total(lines: Iterable[Line]) -> Decimal:
    """The sum of printed amounts."""
    return total(line.amount for line in lines)


def _base_services(version: Version, prices: Prices) -> Mapping[str, Decimal]:
    if not version.base_services_per_day:
        return {}
    tier = prices.customer.base_services_tier
    if tier not in version.base_services_per_day:
        known = ", ".join(version.base_services_per_day)
        raise PriceError(
            f"tariff {prices.tariff.id}, version {version.id}: there is a daily base services charge by income tier; "
            f"the account needs customer.base_services_tier, one of {known}"
        )
    return {"base_services_charge": version.base_services_per_day[tier]}


def _monthly(energy: CycleEnergy, prices: Prices, prefix: str, kind: LineKind) -> Iterator[Line]:
    """Charges by the month, once a billing cycle, however it is cut and whatever prices change in it."""
    blocks = _version_blocks(energy)
    if prices.monthly is MonthlyCharges.LAST_DAY:
        blocks = blocks[-1:] if energy.ends_cycle else ()
    for block in blocks:
        if block.version is None:
            continue
        charges = block.version.fixed_per_month if kind is LineKind.FIXED else block.version.minimum_per_month
        for name, rate in charges.items():
            key, label = key_of(prefix, block, name, "month"), name.replace("_", " ").capitalize()
            if prices.monthly is MonthlyCharges.LAST_DAY or block.days == energy.whole_cycle.days:
                yield counted_line(
                    key,
                    label,
                    1,
                    "month",
                    rate,
                    prices.rounding,
                    kind=kind,
                    due=Due.NOW,
                    scope=Scope.DELIVERY,
                    source=prices.source(block),
                )
            else:
                yield _part_of_month(key, label, rate, block, energy.whole_cycle, prices, kind)


def _part_of_month(
    key: str, label: str, rate: Decimal, block: Block, whole: Cycle, prices: Prices, kind: LineKind
) -> Line:
    """The share that a block's days bear of a month's charge; all shares of a cycle at one rate are the charge."""
    before = (block.first_day - whole.first_day).days
    return money_line(
        key,
        f"{label}, {days_of(block)}: {block.days} of {whole.days} days of {rate:f}",
        share(rate, before, before + block.days, whole.days, prices.rounding),
        prices.rounding,
        kind=kind,
        due=Due.NOW,
        scope=Scope.DELIVERY,
        source=prices.source(block),
    )


def _version_blocks(energy: CycleEnergy) -> tuple[Block, ...]:
    """The cycle's days by version, seasons put together: no daily charge changes with the season."""
    joined: list[Block] = []
    for block in energy.blocks:
        if joined and joined[-1].version is block.version:
            joined[-1] = Block(joined[-1].first_day, block.last_day, block.version, None)
        else:
            joined.append(Block(block.first_day, block.last_day, block.version, None))
    return tuple(joined)
