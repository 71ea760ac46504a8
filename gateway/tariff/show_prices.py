"""What else a version of a tariff bills, offers and leaves out, for `tariff show`: as lines for people, and as JSON.

Prices as they stand in the file, as text: nothing is summed or rounded.
"""

from collections.abc import Mapping
from decimal import Decimal

from .flags import REASONS
from .types import Tariff, Version


def besides(tariff: Tariff, version: Version) -> tuple[str, ...]:
    """Fixed charges, options, and what the figures leave out, a line each."""
    lines: list[str] = []
    for unit, charges in _fixed(version).items():
        lines.extend(f"besides {price:f} a {unit}, {name}" for name, price in charges.items())
    lines.extend(f"or, if chosen, {price:f} per kWh more, {name}" for name, price in version.options_per_kwh.items())
    lines.extend(REASONS[flag] for flag in tariff.flags_of(version))
    lines.extend(f"not included: {words}" for words in version.not_included)
    return tuple(lines)


def besides_json(tariff: Tariff, version: Version | None) -> dict[str, object]:
    """The same for a program."""
    if version is None:
        return {"flags": [], "not_included": [], "fixed": {}, "options_per_kwh": {}}
    return {
        "flags": [str(flag) for flag in tariff.flags_of(version)],
        "not_included": list(version.not_included),
        "fixed": {f"per_{unit}": _texts(charges) for unit, charges in _fixed(version).items() if charges},
        "options_per_kwh": _texts(version.options_per_kwh),
    }


def _fixed(version: Version) -> dict[str, Mapping[str, Decimal]]:
    return {"day": version.fixed_per_day, "month": version.fixed_per_month, "year": version.fixed_per_year}


def _texts(prices: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: f"{price:f}" for name, price in prices.items()}
