"""The baseline's credit: what is within a customer's allowance is cheaper, mirrored for exports. (A-6, F.9)

Lines alone; which energy counts and when they are due the programmes choose. What they can be where energy is in doubt
says `doubts.baseline`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from ..tariff.cycles import Block
from .cells import CycleEnergy
from .charges import PriceError, Prices, by_block, days_of, key_of
from .lines import Due, Line, LineKind, Scope, energy_line


def baseline_lines(energy: CycleEnergy, prices: Prices, due: Due) -> Iterator[Line]:
    """Cheaper within the allowance: a credit on what is used, and a charge on a month that exports (A-6, F.9).

    The sign is that of the month's net; the allowance is that of the block's days. Blocks of unlike sign together never
    get more than the month's net.
    """
    sign = (energy.net_milliwh > 0) - (energy.net_milliwh < 0)
    left_milliwh = abs(energy.net_milliwh)
    for block, cells in by_block(energy):
        one = baseline_of(block, prices) if sign else None
        if one is None:
            continue
        covered = min(max(0, sign * sum(cell.net_milliwh for _, cell in cells)), one.allowed_milliwh, left_milliwh)
        left_milliwh -= covered
        line = baseline_line(block, one, sign * covered, prices, due)
        uncertain_milliwh = sum(cell.uncertain_milliwh for _, cell in cells)
        yield replace(line, uncertain_milliwh=uncertain_milliwh, cells=tuple(position for position, _ in cells))


@dataclass(frozen=True, slots=True)
class Baseline:
    """A customer's allowance in one block, and what it makes a kilowatt-hour cheaper by."""

    per_day_kwh: Decimal
    allowed_milliwh: int
    credit_per_kwh: Decimal


def baseline_of(block: Block, prices: Prices) -> Baseline | None:
    """None where the tariff has none. Raises PriceError where the account does not say which is its own."""
    baseline = None if block.version is None else block.version.baseline
    if baseline is None:
        return None
    allowance = baseline.allowance_kwh_per_day.get(prices.customer.baseline)
    season = "all" if block.season is None else block.season.name
    if allowance is None or season not in allowance:
        known = ", ".join(sorted(baseline.allowance_kwh_per_day)) or "none"
        raise PriceError(
            f"{prices.source(block)}: the price depends on the baseline allowance; "
            f"the account needs customer.baseline, one of {known}"
        )
    allowed_milliwh = int((allowance[season] * block.days).scaleb(6))
    return Baseline(allowance[season], allowed_milliwh, baseline.credit_per_kwh)


def baseline_line(block: Block, baseline: Baseline, milliwh: int, prices: Prices, due: Due) -> Line:
    """A credit on `milliwh`; below zero a charge."""
    return energy_line(
        key_of("baseline", block),
        f"Baseline credit, {days_of(block)}: {baseline.per_day_kwh} kWh a day",
        milliwh,
        -baseline.credit_per_kwh,
        prices.rounding,
        kind=LineKind.BASELINE,
        due=due,
        scope=Scope.DELIVERY,
        source=prices.source(block),
    )
