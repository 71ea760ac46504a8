"""The Net Billing Tariff from an account's terms: choices as rules, the vintage's table of prices, the first state.

The application decides the vintage, permission to operate how long its prices are locked. After the lock, and where no
table is known, exports are refused with the reason; nothing is priced from another vintage by itself.
(net-metering 1.3; corrections A-7, A-8, A-15, D)
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ..charges import PriceError
from ..export_series import price_series
from ..export_table import ExportTable, ExportTableError, is_table, load_export_table, tables_of
from ..lines import Due
from ..money import MILLIWH_PER_KWH_PLACES, ZERO
from ..price_series import PriceSeries
from ..programme_file import Figure, NotKnownError
from ..setting import Ready, Setting
from ..terms import Opening
from .nbt import Nbt
from .nbt_banks import BANKS, SCOPES, Charges, Purse
from .nbt_bonus import bonus_series
from .nbt_state import Leftover, NbtRules, NbtState, PayBack
from .nbt_year import bank_name
from .surplus import BILL_CREDIT, SURPLUS_BANK, Payout, SurplusRule
from .vintage import years_after

_ONE_DAY = timedelta(days=1)


def make_nbt(setting: Setting) -> Ready[Any]:
    """The maker. Raises PriceError where no table of export prices can be found."""
    table = table_of(setting)
    until = locked_until(setting, table)
    rules, zone = nbt_rules(setting, table, until), ZoneInfo(table.header.zone)

    def export_parts(start_us: int, end_us: int) -> Mapping[str, PriceSeries]:
        bonus = bonus_series(rules.acc_plus, rules.acc_plus_until, zone, start_us, end_us)
        return {**price_series(table, start_us, end_us, until), **bonus}

    return Ready(Nbt(rules, setting.prices), _first_state(setting), export_parts)


def table_of(setting: Setting) -> ExportTable:
    """The account's own table, else that of its application's vintage, else the floating one. Raises PriceError."""
    named, tariff = setting.terms.export_prices, setting.prices.tariff
    table = _named(setting) if named else _by_application(setting)
    header = table.header
    if (header.zone, header.currency) != (tariff.zone, tariff.currency):
        raise PriceError(
            f"export prices {header.id} are in {header.currency} by the clock of {header.zone}, and tariff {tariff.id} "
            f"is in {tariff.currency} by that of {tariff.zone}"
        )
    if "delivery" not in table.components:
        raise PriceError(f"export prices {header.id} have no rows of delivery; a utility's own table has them")
    if "generation" not in table.components and not setting.prices.customer.supplier:
        raise PriceError(f"export prices {header.id} have no rows of generation, and the utility sells it here")
    return table


def nbt_rules(setting: Setting, table: ExportTable, until: date | None) -> NbtRules:
    """What the account's choices, its utility and its dates decide."""
    customer, generator = setting.prices.customer, setting.terms.generator
    pto = None if generator is None else generator.pto
    skips_charges = setting.choice("bonus_pays") == "all_but_non_bypassable"
    acc_plus, why_not = _acc_plus(setting)
    return NbtRules(
        name=setting.file.id,
        source=setting.file.source,
        leftover=Leftover(setting.choice("leftover")),
        pay_back=PayBack(setting.choice("pay_back")),
        reverses=setting.choice("surplus_reversal") == "gross_and_reverse",
        surplus=SurplusRule(
            file=setting.file,
            utility=customer.utility,
            payout=Payout(setting.choice("surplus_payout")),
            pays=not customer.supplier,
            why_not=f"the utility owes none to a customer of {customer.supplier}" if customer.supplier else "",
        ),
        price_source=f"{table.header.id}: {table.header.source}",
        bonus_scopes=tuple(one for one in SCOPES if not (skips_charges and one == "non_bypassable")),
        acc_plus=acc_plus,
        acc_plus_until=None if pto is None else years_after(pto, _years(setting, "acc_plus_years")) - _ONE_DAY,
        adders=setting.terms.export_adder,
        pto=pto,
        fee=_fee(setting),
        fee_due=Due.NOW if setting.choice("interconnection_fee_due") == "first_bill" else Due.NOTED,
        notes=tuple(_notes(table, until, why_not)),
    )


def _named(setting: Setting) -> ExportTable:
    name = setting.terms.export_prices
    if not is_table(name):
        raise PriceError(
            f'export_prices = "{name}": {setting.file.id} needs generation and delivery apart, by month, day type and '
            "hour; name a table of them (.toml), docs/export-prices.md",
            at=("export_prices",),
        )
    try:
        return load_export_table(name, setting.folder)
    except ExportTableError as error:
        raise PriceError(str(error), at=("export_prices",)) from error


def _by_application(setting: Setting) -> ExportTable:
    generator, utility = setting.terms.generator, setting.prices.customer.utility
    tables = list(tables_of(utility))
    if not tables:
        raise PriceError(
            f'there are no export prices of "{utility}" in this program; write a table of what the utility publishes '
            "and name it as export_prices, docs/export-prices.md",
            at=("customer", "utility"),
        )
    decided_by = None if generator is None else generator.application or generator.pto
    floats = setting.choice("export_vintage") == "floating"
    vintage = None if floats or decided_by is None else next((one for one in tables if one.takes(decided_by)), None)
    if vintage is not None:
        return vintage
    if not floats and decided_by is None:
        raise PriceError(
            "the export prices depend on when the application was made: say application in [generator], "
            'or export_vintage = "floating" in [choices]',
            at=("generator", "application"),
        )
    floating = next((one for one in tables if one.header.floating), None)
    newest = max((one.header.applications_to for one in tables if one.header.applications_to), default=None)
    if floating is None or (not floats and newest is not None and decided_by is not None and decided_by > newest):
        none = f"there are no export prices for an application of {decided_by}; name them as export_prices"
        raise PriceError(none, at=("generator", "application"))
    return floating


def locked_until(setting: Setting, table: ExportTable) -> date | None:
    """The last local day of the price lock. Raises PriceError where its beginning is not said."""
    years, generator = table.header.lock_years, setting.terms.generator
    if years is None:
        return None
    if generator is None or generator.pto is None:
        unknown = f"export prices {table.header.id} hold {years} years from permission to operate: say pto"
        raise PriceError(unknown, at=("generator", "pto"))
    return years_after(generator.pto, years) - _ONE_DAY


def _notes(table: ExportTable, until: date | None, why_not: str) -> list[str]:
    header = table.header
    locked = f", locked until {until}" if until is not None else ", which nobody has locked"
    notes = [f"exports are paid by {header.id}{locked}; this table ends on {header.last_day}"]
    return [*notes, *([why_not] if why_not else [])]


def _acc_plus(setting: Setting) -> tuple[Figure | None, str]:
    """The bonus of the application's year, constant from then on; with the sentence where there is none."""
    generator, kind = setting.terms.generator, setting.choice("acc_plus")
    day = None if generator is None else generator.application or generator.pto
    if kind == "none" or day is None:
        return None, ""
    name = "acc_plus" if kind == "residential" else "acc_plus_low_income"
    try:
        return setting.file.figure_on(name, setting.prices.customer.utility, day), ""
    except NotKnownError:
        mend = 'if your utility\'s letter names one, write it as [[export_adder]] with bank = "bonus"'
        return None, f"no ACC Plus bonus is known for an application of {day}; {mend}"


def _years(setting: Setting, name: str) -> int:
    return int(setting.file.figure_on(name, "", date.max).value)


def _fee(setting: Setting) -> Figure | None:
    generator = setting.terms.generator
    day = None if generator is None else generator.application or generator.pto
    try:
        return (
            None if day is None else setting.file.figure_on("interconnection_fee", setting.prices.customer.utility, day)
        )
    except NotKnownError:
        return None


def _first_state(setting: Setting) -> NbtState:
    """What the first cycle begins with."""
    opening, whole = setting.opening, setting.whole
    if opening is None:
        return NbtState(whole=whole, is_first=whole, bill_credit=setting.held.get(BILL_CREDIT, ZERO))
    return NbtState(
        whole=whole,
        cycles=opening.cycles,
        purse=Purse(*(opening.banks.get(bank_name(bank), ZERO) for bank in BANKS)),
        earned=Purse(*(opening.earned.get(bank_name(bank), ZERO) for bank in BANKS)),
        paid=Charges(*(opening.paid.get(scope, ZERO) for scope in SCOPES)),
        knows_paid=bool(opening.paid) or not opening.cycles,
        knows_earned=bool(opening.earned) or not opening.cycles,
        knows_energy=opening.knows_energy,
        import_milliwh=_milliwh(opening, "import_kwh"),
        export_milliwh=_milliwh(opening, "export_kwh"),
        carried_milliwh=int(opening.banks.get(SURPLUS_BANK, ZERO).scaleb(MILLIWH_PER_KWH_PLACES)),
        bill_credit=opening.banks.get(BILL_CREDIT, ZERO),
    )


def _milliwh(opening: Opening, name: str) -> int:
    value = getattr(opening, name)
    assert isinstance(value, Decimal)
    return int(value.scaleb(MILLIWH_PER_KWH_PLACES))
