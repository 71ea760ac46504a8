"""Dates that cost money, told before they come: a true-up, credit that it will take, protections and prices that end.

Each has a day, and is told from so many days before it on. What is known only by a projection says so. Nothing here
asks for the time: `day` is given. (corrections C.7, A-7, A-15)
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from .account_file import AccountFile
from .charges import Prices
from .cost_date import CostDate, What, is_near
from .dates_to_come import LONGEST_YEAR, assumed_dates, with_dates_to_come
from .lines import BankUnit
from .money import ZERO, total
from .price_dates import price_dates
from .programmes import mce, mce_maker
from .programmes.mce_cashout import ends_mce_year
from .projection import Method, Projection
from .protection_dates import protection_dates
from .registry import MCE, PLAIN
from .running import Running
from .setting import Setting
from .slots import cycles_known
from .sources import Energy
from .statement import Statement

TRUE_UP_DAYS = 60
_NEM_CREDIT = "true_up.energy"
"""Energy charges of a year settled at once; below zero they are credit, and are lost. (A-2)"""


def cost_dates(
    account: AccountFile, energy: Energy, now: Running, year: tuple[date, date] | None, projected: Projection
) -> tuple[CostDate, ...]:
    """Those that are near on the day of `now`, the next one first. `year`: the Relevant Period that runs, if known."""
    found = [
        *_true_up(account, now, year, projected),
        *_credit(now, year, projected),
        *_suppliers_credit(account, now),
        *protection_dates(account, now),
        *price_dates(account, energy, now),
    ]
    return tuple(sorted(found, key=lambda one: (one.day, one.what)))


def _true_up(
    account: AccountFile, now: Running, year: tuple[date, date] | None, projected: Projection
) -> Iterator[CostDate]:
    if year is None or now.bill.slot.programme == PLAIN or not is_near(now.day, year[1], TRUE_UP_DAYS):
        return
    amount, how = projected.true_up_due, f"projected by {projected.method.value}"
    if _has_it_all(now, projected):
        amount, how = now.bill.due_now, "by the year to date"
    elif amount is None:
        how = "not projected"
    why = f"the Relevant Period from {year[0]} ends; its closing bill: {how}"
    assumed = assumed_dates(account.terms, year[1])
    yield CostDate(What.TRUE_UP, year[1], f"{why}; {assumed}" if assumed else why, amount)


def _credit(now: Running, year: tuple[date, date] | None, projected: Projection) -> Iterator[CostDate]:
    """What the true-up will take: as projected, or of the year to date where the running bill closes it."""
    if year is None or not is_near(now.day, year[1], TRUE_UP_DAYS):
        return
    closing = next((one for one in projected.bills if one.slot.closes_year), None)
    how = f"projected by {projected.method.value}"
    if _has_it_all(now, projected) or (closing is None and now.bill.slot.closes_year):
        closing, how = now.bill, "by the year to date"
    if closing is None:
        return
    money, energy = lost_by(closing)
    if money or energy:
        why = f"credit that the true-up does not carry over, {how}"
        yield CostDate(What.CREDIT_ZEROED, year[1], why, money or None, energy or None)


def _has_it_all(now: Running, projected: Projection) -> bool:
    """Whether the running bill closes the year, and nothing is assumed of its last days."""
    return now.bill.slot.closes_year and projected.method is Method.TO_DATE


def _suppliers_credit(account: AccountFile, now: Running) -> Iterator[CostDate]:
    """What MCE's spring zeroes, as its bank stands."""
    if now.bill.slot.programme != MCE:
        return
    day = _suppliers_year_ends(account, now.day)
    bank = next((one for one in reversed(now.bill.banks) if one.name == mce.MCE_BANK), None)
    # From 31 March on the running bill has the cash-out in it already, and the bank what that paid.
    held = ZERO if bank is None else bank.forfeited if ends_mce_year(now.bill.slot.cycle) else bank.after
    prices = Prices(account.tariff, account.terms.customer, account.terms.billing.rounding)
    setting = Setting(account.terms, account.programmes[MCE], prices, whole=True)
    if held and is_near(now.day, day, TRUE_UP_DAYS) and mce_maker.cashout_of(setting).zeroes_on(day):
        why = "retail credit that MCE's cash-out zeroes with the bill that holds 31 March, as its bank stands"
        assumed = assumed_dates(account.terms, day)
        yield CostDate(What.SUPPLIER_CREDIT_ZEROED, day, f"{why}; {assumed}" if assumed else why, held)


def _suppliers_year_ends(account: AccountFile, today: date) -> date:
    """The last day of the next billing cycle that holds a 31 March; that day itself where no cycle is known."""
    terms = with_dates_to_come(account.terms, today)
    cycles = cycles_known(terms, today, today + LONGEST_YEAR)
    holds = (one.last_day for one in cycles if one.last_day >= today and ends_mce_year(one))
    march = (date(year, 3, 31) for year in (today.year, today.year + 1))
    return next(holds, next(one for one in march if one >= today))


def lost_by(closing: Statement) -> tuple[Decimal, Decimal]:
    """(money, kilowatt-hours) of credit that a closing bill neither pays for nor carries over."""
    moves = () if closing.bill.true_up is None else closing.bill.true_up.banks
    of_year = total(line.amount for line in closing.true_up_lines if line.key == _NEM_CREDIT)
    money = total(one.forfeited for one in moves if one.unit is BankUnit.MONEY)
    energy = total(one.forfeited for one in moves if one.unit is BankUnit.KWH)
    return money + max(ZERO, -of_year), energy
