"""What a kilowatt-hour costs in one bucket of one version, by component. Exact Decimals; nothing is rounded here.

The price is the sum of its components; what the sheet prints as a total is kept beside it and may be one in
the last digit off. A part of a price (supply, delivery ...) is answered only where the file says which
components belong to it, or that it is all there is; else it is refused with the reason (`flags`). Never guesses a
part from a name.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from .flags import Flag, Need, refusals
from .types import Tariff, Version


class LeftOutError(Exception):
    """The figures of a tariff leave out what is asked for; the message is the reason, for the user."""


def price_components(version: Version, bucket: str, tier: int = 0) -> Mapping[str, Decimal]:
    """Component -> price per kWh: those of the bucket first, then those of all hours; empty without prices.

    `tier` 0 is the price below the first limit; IndexError where the bucket has not so many.
    """
    if bucket not in version.energy_per_kwh:
        return {}
    above = version.tiers_of(bucket)[tier - 1].energy_per_kwh[bucket] if tier else {}
    return {**version.energy_per_kwh[bucket], **version.adders_per_kwh, **above}


def price_total(version: Version, bucket: str) -> Decimal | None:
    """The sum of the components, per kWh; None where the version has no price for the bucket."""
    components = price_components(version, bucket)
    return sum(components.values(), Decimal(0)) if components else None


def require(tariff: Tariff, version: Version, need: Need) -> None:
    """Raises LeftOutError where the flags of the figures say that `need` is not in them."""
    reasons = refusals(tariff.flags_of(version), need)
    if reasons:
        raise LeftOutError(f"tariff {tariff.id}, version {version.id}: {need} is needed; " + "; ".join(reasons))


def part_per_kwh(tariff: Tariff, version: Version, bucket: str, need: Need, tier: int = 0) -> Decimal:
    """One part of the price of `bucket`, per kWh. Raises LeftOutError where it is not in the figures.

    `Need.RETAIL` is the sum of all components. Of `Need.FIXED_CHARGES` and `Need.WHOLE_BILL` no kilowatt-hour has a
    part (ValueError).
    """
    require(tariff, version, need)
    components = price_components(version, bucket, tier)
    if not components:
        raise LeftOutError(f"tariff {tariff.id}, version {version.id}: there is no price for {bucket}")
    if need is Need.RETAIL:
        return sum(components.values(), Decimal(0))
    if need not in _TAGGED:
        raise ValueError(f"{need} is no part of a price per kWh")
    return _TAGGED[need](tariff, version, components)


def export_per_kwh(tariff: Tariff, version: Version, bucket: str, tier: int = 0) -> Decimal:
    """What an exported kilowatt-hour is paid. Raises LeftOutError where the figures do not say it."""
    found = version.export_per_kwh.get(bucket)
    if tier:
        found = version.tiers_of(bucket)[tier - 1].export_per_kwh.get(bucket, found)
    if found is None:
        here = f"tariff {tariff.id}, version {version.id}"
        raise LeftOutError(f"{here}: it does not say what exports in {bucket} are paid; add export_per_kwh")
    return found


def _supply(tariff: Tariff, version: Version, components: Mapping[str, Decimal]) -> Decimal:
    if Flag.GENERATION_ONLY in tariff.flags_of(version) and not tariff.parts_of(version).supply:
        return sum(components.values(), Decimal(0))
    return _tagged(tariff, version, components, "supply", tariff.parts_of(version).supply)


def _delivery(tariff: Tariff, version: Version, components: Mapping[str, Decimal]) -> Decimal:
    total = sum(components.values(), Decimal(0))
    return total if Flag.DELIVERY_ONLY in tariff.flags_of(version) else total - _supply(tariff, version, components)


def _price_to_compare(tariff: Tariff, version: Version, components: Mapping[str, Decimal]) -> Decimal:
    names = tariff.parts_of(version).transmission
    transmission = _tagged(tariff, version, components, "transmission", names)
    return _supply(tariff, version, components) + transmission


def _non_bypassable(tariff: Tariff, version: Version, components: Mapping[str, Decimal]) -> Decimal:
    return _tagged(tariff, version, components, "non_bypassable", tariff.parts_of(version).non_bypassable)


_TAGGED: dict[Need, Callable[[Tariff, Version, Mapping[str, Decimal]], Decimal]] = {
    Need.SUPPLY: _supply,
    Need.DELIVERY: _delivery,
    Need.PRICE_TO_COMPARE: _price_to_compare,
    Need.NON_BYPASSABLE: _non_bypassable,
}


def _tagged(
    tariff: Tariff, version: Version, components: Mapping[str, Decimal], part: str, names: tuple[str, ...]
) -> Decimal:
    """The sum of the components that `[parts]` names; a name that is missing here is not taken for zero."""
    if not names:
        here = f"tariff {tariff.id}, version {version.id}"
        raise LeftOutError(f"{here}: [parts] does not say which components are {part}")
    missing = [name for name in names if name not in components]
    if missing:
        what = ", ".join(missing)
        raise LeftOutError(f"tariff {tariff.id}, version {version.id}: it has no {what}, which [parts] calls {part}")
    return sum((components[name] for name in names), Decimal(0))
