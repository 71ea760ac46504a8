"""What a kilowatt-hour costs in one bucket of one version, by component. Exact Decimals; nothing is rounded here.

The price is the sum of its components; what the sheet prints as a total is kept beside it and may be one in
the last digit off.
"""

from collections.abc import Mapping
from decimal import Decimal

from .types import Version


def price_components(version: Version, bucket: str) -> Mapping[str, Decimal]:
    """Component -> price per kWh: those of the bucket first, then those of all hours; empty without prices."""
    if bucket not in version.energy_per_kwh:
        return {}
    return {**version.energy_per_kwh[bucket], **version.adders_per_kwh}


def price_total(version: Version, bucket: str) -> Decimal | None:
    """The sum of the components, per kWh; None where the version has no price for the bucket."""
    components = price_components(version, bucket)
    return sum(components.values(), Decimal(0)) if components else None
