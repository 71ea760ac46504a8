"""Dates that cost money, told before they come: a true-up, credit that it will take, protections and prices that end.

Each has a day, and is told from so many days before it on. What is known only by a projection says so. Nothing here
asks for the time: `day` is given. (corrections C.7, A-7, A-15)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from ..tariff.types import Tariff
from .account_file import AccountFile
from .charges import PriceError, Prices
from .dates_to_come import assumed_dates
from .lines import BankUnit
from .money import ZERO, total
from .programme_file import NotKnownError
from .programmes import mce, mce_maker, nbt_maker, vintage
from .projection import Projection
from .registry import MCE
from .running import Running
from .setting import Setting
from .statement import Statement

TRUE_UP_DAYS = 60
PROTECTION_DAYS = 365
"""A vintage or a price lock: time for a battery, or for another contract."""
TARIFF_DAYS = 60
_ONE_DAY = timedelta(days=1)
_NEM_CREDIT = "true_up.energy"
"""Energy charges of a year settled at once; below zero they are credit, and are lost. (A-2)"""


class What(StrEnum):
    """What happens on the day."""

    TRUE_UP = "true_up"
    CREDIT_ZEROED = "credit_zeroed"
    VINTAGE_ENDS = "vintage_ends"
    PRICE_LOCK_ENDS = "price_lock_ends"
    TARIFF_ENDS = "tariff_ends"
    EXPORT_PRICES_END = "export_prices_end"


@dataclass(frozen=True, slots=True)
class CostDate:
    """`day` is the last one on which things are as they were. `amount`: what is at stake; None where nobody knows."""

    what: What
    day: date
    why: str
    amount: Decimal | None = None
    """In the tariff's currency."""
    kwh: Decimal | None = None


def cost_dates(
    account: AccountFile, now: Running, year: tuple[date, date] | None, projected: Projection
) -> tuple[CostDate, ...]:
    """Those that are near on the day of `now`, the next one first. `year`: the Relevant Period that runs, if known."""
    found = [
        *_true_up(account, now, year, projected),
        *_credit(now, year, projected),
        *_suppliers_credit(account, now),
        *_protection(account, now),
        *_prices(account, now),
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.what)))


def _true_up(
    account: AccountFile, now: Running, year: tuple[date, date] | None, projected: Projection
) -> Iterator[CostDate]:
    if year is None or not _is_near(now.day, year[1], TRUE_UP_DAYS):
        return
    amount = projected.true_up_due
    how = "not projected" if amount is None else f"projected by {projected.method.value}"
    why = f"the Relevant Period from {year[0]} ends; its closing bill: {how}"
    assumed = assumed_dates(account.terms, year[1])
    yield CostDate(What.TRUE_UP, year[1], f"{why}; {assumed}" if assumed else why, amount)


def _credit(now: Running, year: tuple[date, date] | None, projected: Projection) -> Iterator[CostDate]:
    """What the true-up will take: as projected, or of the year to date where the running bill closes it."""
    if year is None or not _is_near(now.day, year[1], TRUE_UP_DAYS):
        return
    closing = next((one for one in projected.bills if one.slot.closes_year), None)
    how = f"projected by {projected.method.value}"
    if closing is None and now.bill.slot.closes_year:
        closing, how = now.bill, "by the year to date"
    if closing is None:
        return
    money, energy = lost_by(closing)
    if money or energy:
        why = f"credit that the true-up does not carry over, {how}"
        yield CostDate(What.CREDIT_ZEROED, year[1], why, money or None, energy or None)


def _suppliers_credit(account: AccountFile, now: Running) -> Iterator[CostDate]:
    """What MCE's spring zeroes, as its bank stands."""
    if now.bill.slot.programme != MCE:
        return
    day = next(one for one in (date(now.day.year, 3, 31), date(now.day.year + 1, 3, 31)) if one >= now.day)
    held = next((one.after for one in reversed(now.bill.banks) if one.name == mce.MCE_BANK), ZERO)
    prices = Prices(account.tariff, account.terms.customer, account.terms.billing.rounding)
    setting = Setting(account.terms, account.programmes[MCE], prices, whole=True)
    if held and _is_near(now.day, day, TRUE_UP_DAYS) and mce_maker.cashout_of(setting).zeroes_on(day):
        yield CostDate(What.CREDIT_ZEROED, day, "retail credit that MCE's cash-out zeroes, as its bank stands", held)


def lost_by(closing: Statement) -> tuple[Decimal, Decimal]:
    """(money, kilowatt-hours) of credit that a closing bill neither pays for nor carries over."""
    moves = () if closing.bill.true_up is None else closing.bill.true_up.banks
    of_year = total(line.amount for line in closing.true_up_lines if line.key == _NEM_CREDIT)
    money = total(one.forfeited for one in moves if one.unit is BankUnit.MONEY)
    energy = total(one.forfeited for one in moves if one.unit is BankUnit.KWH)
    return money + max(ZERO, -of_year), energy


def _protection(account: AccountFile, now: Running) -> Iterator[CostDate]:
    generator, name = account.terms.generator, now.bill.slot.programme
    if generator is None or generator.pto is None:
        return
    try:
        until = vintage.protected_until(name, generator.pto)
    except NotKnownError:  # permission from before there was such a programme
        until = None
    if until is not None and _is_near(now.day, until, PROTECTION_DAYS):
        yield CostDate(What.VINTAGE_ENDS, until, f"{name} is protected for 20 years from {generator.pto}")
    if name == vintage.NBT:
        yield from _export_prices(account, now)


def _export_prices(account: AccountFile, now: Running) -> Iterator[CostDate]:
    terms, programme = account.terms, account.programmes[vintage.NBT]
    prices = Prices(account.tariff, terms.customer, terms.billing.rounding)
    setting = Setting(terms, programme, prices, whole=True, folder=account.folder)
    try:
        table = nbt_maker.table_of(setting)
        until = nbt_maker.locked_until(setting, table)
    except (PriceError, NotKnownError):
        return  # no bill could have been made, and its error is what is told
    header = table.header
    if until is not None and _is_near(now.day, until, PROTECTION_DAYS):
        why = f"export prices {header.id} are locked for {header.lock_years} years from permission to operate"
        yield CostDate(What.PRICE_LOCK_ENDS, until, why)
    if (until is None or header.last_day < until) and _is_near(now.day, header.last_day, TARIFF_DAYS):
        why = f"export prices {header.id} end, and no exports after them can be priced: name the next table"
        yield CostDate(What.EXPORT_PRICES_END, header.last_day, why)


def _prices(account: AccountFile, now: Running) -> Iterator[CostDate]:
    tariff = account.tariff
    day = _last_priced(tariff, now.day)
    if day is not None and _is_near(now.day, day, TARIFF_DAYS):
        why = f"the last version of tariff {tariff.id} that is known ends, and no price follows: add the next version"
        yield CostDate(What.TARIFF_ENDS, day, why)


def _last_priced(tariff: Tariff, day: date) -> date | None:
    """The last day without a break of prices from `day` on; None where no end of them is known."""
    versions = tariff.version
    while True:
        at = next((at for at in reversed(range(len(versions))) if versions[at].effective <= day), None)
        if at is None:
            return day - _ONE_DAY
        following = versions[at + 1].effective - _ONE_DAY if at + 1 < len(versions) else None
        ends = [one for one in (versions[at].last_day, following) if one is not None]
        if not ends:
            return None
        if min(ends) < day:
            return day - _ONE_DAY
        day = min(ends) + _ONE_DAY


def _is_near(today: date, day: date, within_days: int) -> bool:
    return timedelta() <= day - today <= timedelta(days=within_days)
