"""What else a version of a tariff bills, offers and leaves out, for `tariff show`: as lines for people, and as JSON.

Prices as they stand in the file, as text: nothing is summed or rounded.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from .flags import REASONS
from .types import Tariff, Tier, Version


def besides(tariff: Tariff, version: Version) -> tuple[str, ...]:
    """Fixed charges, options, and what the figures leave out, a line each."""
    lines: list[str] = []
    for unit, charges in _fixed(version).items():
        lines.extend(f"besides {price:f} a {unit}, {name}" for name, price in charges.items())
    for unit, charges in _least(version).items():
        lines.extend(f"at least {price:f} a {unit}, {name}" for name, price in charges.items())
    lines.extend(f"exports in {name} are paid {price:f} per kWh" for name, price in version.export_per_kwh.items())
    lines.extend(text for tier in version.tier for text in _tier_lines(tier))
    if version.surplus_per_kwh is not None:
        lines.append(f"what is left over at the end of a year is paid {version.surplus_per_kwh:f} per kWh")
    lines.extend(f"or, if chosen, {price:f} per kWh more, {name}" for name, price in version.options_per_kwh.items())
    lines.extend(REASONS[flag] for flag in tariff.flags_of(version))
    lines.extend(f"not included: {words}" for words in version.not_included)
    return tuple(lines)


def besides_json(tariff: Tariff, version: Version | None) -> dict[str, object]:
    """The same for a program."""
    if version is None:
        return {
            "flags": [],
            "not_included": [],
            "fixed": {},
            "options_per_kwh": {},
            "minimum": {},
            "export_per_kwh": {},
            "surplus_per_kwh": None,
            "tiers": [],
        }
    return {
        "flags": [str(flag) for flag in tariff.flags_of(version)],
        "not_included": list(version.not_included),
        "fixed": {f"per_{unit}": _texts(charges) for unit, charges in _fixed(version).items() if charges},
        "options_per_kwh": _texts(version.options_per_kwh),
        "minimum": {f"per_{unit}": _texts(charges) for unit, charges in _least(version).items() if charges},
        "export_per_kwh": _texts(version.export_per_kwh),
        "surplus_per_kwh": None if version.surplus_per_kwh is None else f"{version.surplus_per_kwh:f}",
        "tiers": [_tier_json(one) for one in version.tier],
    }


def _tier_lines(tier: Tier) -> Iterator[str]:
    limit = f"above {tier.above_kwh:f} kWh a cycle" if tier.above_kwh is not None else ""
    limit = limit or f"above {tier.above_kwh_per_day or 0:f} kWh a day"
    for name, components in tier.energy_per_kwh.items():
        yield f"{limit}, {name}: " + ", ".join(f"{one} {price:f}" for one, price in components.items())
    for name, price in tier.export_per_kwh.items():
        yield f"{limit}, exports in {name} are paid {price:f} per kWh"


def _tier_json(tier: Tier) -> dict[str, object]:
    return {
        "above_kwh": None if tier.above_kwh is None else f"{tier.above_kwh:f}",
        "above_kwh_per_day": None if tier.above_kwh_per_day is None else f"{tier.above_kwh_per_day:f}",
        "energy_per_kwh": {name: _texts(prices) for name, prices in tier.energy_per_kwh.items()},
        "export_per_kwh": _texts(tier.export_per_kwh),
    }


def _fixed(version: Version) -> dict[str, Mapping[str, Decimal]]:
    return {"day": version.fixed_per_day, "month": version.fixed_per_month, "year": version.fixed_per_year}


def _least(version: Version) -> dict[str, Mapping[str, Decimal]]:
    return {"day": version.minimum_per_day, "month": version.minimum_per_month, "year": version.minimum_per_year}


def _texts(prices: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: f"{price:f}" for name, price in prices.items()}
