"""What an account in Pennsylvania may state besides: who owns the plant, what it is for, and its other properties.

Values only; the limits are in config/programmes/pennsylvania.toml, the checks in `pa_checks`.
"""

import datetime
from decimal import Decimal

import msgspec


class Property(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another property whose meter is aggregated with this one."""

    name: str
    miles: Decimal
    """Between the boundaries of both, as measured by the customer: never computed here."""
    utility: str
    independent_load: bool = True


class CertificateTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alternative energy credits of the plant. The customer owns them, but by contract or rejection."""

    owner: str
    """`customer`, or who has them by a contract."""
    installed: datetime.date
    """The day that decides whether older small plants may be estimated."""
    before_wh: int = 0
    """What was produced before the first interval here and is not in a credit yet."""


class PennsylvaniaTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[pennsylvania]`."""

    independent_load: bool
    """Whether the place uses energy of its own besides what the plant needs (75.13(a)(1))."""
    standby: bool = False
    """Whether the system stands by for the grid's emergencies or is part of a microgrid."""
    third_party_owned: bool = False
    design_kwh_per_year: Decimal | None = None
    use_kwh_per_year: Decimal | None = None
    """Of all meters that the plant is for. Both must be stated where a third party owns the plant."""
    base_year_kwh: Decimal | None = None
    """Purchased in the annualised period before the first one of this account."""
    stranded_share: Decimal = Decimal(0)
    """What the utility asks for, where it does."""
    certificates: CertificateTerms | None = None
    property: tuple[Property, ...] = ()
