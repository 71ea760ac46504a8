"""An account as its owner writes it (account TOML), as frozen types: who, which programme since when, which bills.

Parsing and the rules across keys are in `account_file`. There is no default for what the owner must choose: the
programme, the tariff, the utility. Dates are local days of the tariff's zone.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from ..config.types import RegisterOwner, Role
from ..tariff.cycles import ReadDay
from .money import Rounding
from .pa_terms import PennsylvaniaTerms


class CustomerClass(StrEnum):
    """How the utility's tariff book calls the customer."""

    RESIDENTIAL = "residential"
    SMALL_COMMERCIAL = "small_commercial"
    COMMERCIAL = "commercial"
    INDUSTRIAL = "industrial"
    AGRICULTURAL = "agricultural"


class EnergyFrom(StrEnum):
    """Where a meter's intervals are read from."""

    STORE = "store"
    COLLECTOR = "collector"
    CSV = "csv"
    GREEN_BUTTON = "green_button"
    """The utility's own intervals, as it gives them for download (ESPI XML)."""


class AccountMeter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A meter of the account."""

    name: str
    role: Role = Role.GRID
    register: RegisterOwner = RegisterOwner.OWN
    source: EnergyFrom = EnergyFrom.STORE
    file: str = ""
    """The CSV or XML file, or the database if it is not the default one; beside the account's file."""
    earlier: str = ""
    """A CSV file, or a Green Button file (.xml), with the months before the first interval of the source."""
    gateway: str = ""
    """With a collector: whose meter it is."""


class ProgrammeStint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """A programme from a local day on, until the next begins. `reason`: PTO, enlargement, own choice ...

    Days before permission to operate are `plain` under every programme.
    """

    name: str
    first: datetime.date
    reason: str = ""
    billed_as: str = ""
    """Another programme by which its bills are made up to `billed_until`, such as until the next true-up."""
    billed_until: datetime.date | None = None
    """The last day of that."""


class SupplierStint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """Who sells the energy from a local day on, where that changes while the account runs. Empty name: the utility."""

    name: str
    first: datetime.date
    pcia_vintage: str = ""


class Billing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which bills there are. Either `read_dates` with their meaning, or calendar months."""

    read_dates: tuple[datetime.date, ...] = ()
    read_day: ReadDay | None = None
    """What a read date means; must be chosen where there are any."""
    months: bool = False
    rounding: Rounding = Rounding.CENT
    anniversary: datetime.date | None = None
    """The first day of a Relevant Period, a cycle's first day; from permission to operate where it is left out."""


class Customer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides prices besides energy. Empty: not stated, and refused where a price needs it."""

    utility: str
    kind: CustomerClass = CustomerClass.RESIDENTIAL
    baseline: str = ""
    """Territory and heating as the tariff names them, such as basic_x."""
    base_services_tier: str = ""
    supplier: str = ""
    """Empty: the utility itself."""
    pcia_vintage: str = ""
    moved_in: datetime.date | None = None
    moved_out: datetime.date | None = None


class Enlargement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plant grew: on a local day by so much."""

    day: datetime.date
    added_kw: Decimal


class Payment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money the customer paid towards the true-up before it was due."""

    day: datetime.date
    amount: Decimal


class Generator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plant behind the meter."""

    technology: str
    size_kw: Decimal
    application: datetime.date | None = None
    pto: datetime.date | None = None
    """Permission to operate: exports before it earn nothing."""
    enlargement: tuple[Enlargement, ...] = ()


class KwhBase(StrEnum):
    """Of which kilowatt-hours a charge per kWh is due."""

    IMPORT = "import"
    """What the cycle took, whatever it gave."""
    NET = "net"
    """What the cycle took beyond what it gave; nothing where it gave more."""
    YEAR_NET = "year_net"
    """The same of the whole Relevant Period, at its true-up."""


class OtherCharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """A line outside the tariff's figures: a tax, a credit by date, a fee. Exactly one of the four amounts."""

    name: str
    source: str
    first: datetime.date
    last_day: datetime.date | None = None
    percent: Decimal | None = None
    """Of what the programme's lines make due now, fixed and minimum charges among them; never below zero."""
    per_kwh: Decimal | None = None
    of: KwhBase | None = None
    """Must be chosen with `per_kwh`."""
    amount: Decimal | None = None
    """Once, on the bill that holds the day `from`; a credit is below zero."""
    per_month: Decimal | None = None
    """On each billing cycle's bill; of one that is cut, on the bill that ends it."""


class AdderBank(StrEnum):
    """Into which bank an addition to the export credit goes."""

    GENERATION = "generation"
    DELIVERY = "delivery"
    BONUS = "bonus"


class ExportAdder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """Something that exports earn besides: for storage, or what else the utility's letter promises (net billing)."""

    name: str
    per_kwh: Decimal
    bank: AdderBank
    source: str
    first: datetime.date
    last_day: datetime.date | None = None


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the last bill before the first cycle said. Without it the account is "since DATE" and has no true-up."""

    as_of: datetime.date
    """The first day that this account reckons itself: a billing cycle begins with it."""
    last_true_up: datetime.date
    """The first day of the Relevant Period that is running."""
    cycles: Annotated[int, Meta(ge=0, le=11)] = 0
    """How many of its whole bills lie before `as_of`; the twelfth closes it."""
    energy_charges: Decimal = Decimal(0)
    non_bypassable_charges: Decimal = Decimal(0)
    minimums_billed: Decimal = Decimal(0)
    energy_paid: Decimal = Decimal(0)
    """Energy charges paid in money since then, where they are due monthly."""
    import_kwh: Decimal = Decimal(0)
    export_kwh: Decimal = Decimal(0)
    banks: Mapping[str, Decimal] = {}
    """Bank -> what it holds, in its own unit."""
    paid: Mapping[str, Decimal] = {}
    """Kind of charge -> what of it was paid in cash in this Relevant Period, no bank having paid it (net billing)."""
    earned: Mapping[str, Decimal] = {}
    """Bank -> what exports put into it in this Relevant Period, spent or not (net billing)."""

    @property
    def knows_energy(self) -> bool:
        """Whether it states the energy of the bills before it, where there were any."""
        return not self.cycles or bool(self.import_kwh or self.export_kwh)


class AccountTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    tariff: str
    """A name or a path, as in gateway.toml; a tariff file with [[schedule]] is a history."""
    customer: Customer
    programme: tuple[ProgrammeStint, ...]
    meter: tuple[AccountMeter, ...]
    billing: Billing
    generator: Generator | None = None
    opening: Opening | None = None
    supplier: tuple[SupplierStint, ...] = ()
    """Where it changes: in order of time; before the first `customer.supplier` holds."""
    charge: tuple[OtherCharge, ...] = ()
    export_prices: str = ""
    """What exports are paid: a CSV file by time (`price_series`), or a table by month, day type and hour
    (`export_table`), by name or as a TOML file beside the account's file."""
    supplier_tariff: str = ""
    """What the other supplier charges: a tariff by name or path. For programmes that bill it too (`mce`)."""
    import_prices: str = ""
    """A CSV file of what imports cost by time (`price_series`)."""
    payment: tuple[Payment, ...] = ()
    export_adder: tuple[ExportAdder, ...] = ()
    """By the bill's last day, for all of it."""
    pennsylvania: PennsylvaniaTerms | None = None
    choices: Mapping[str, str] = {}
    """Option of the programme -> value."""
