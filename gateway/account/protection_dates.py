"""When what protects a plant ends: its vintage, the lock of its export prices, its bonus.

A vintage ends with its years, with an enlargement or with the owner's own choice, and one that an enlargement began has
years of its own. Each day is the last one that is protected. Decides nothing: which programme is billed the account
says. (corrections A-8, A-15, C.7)
"""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from .account_file import AccountFile
from .billed_as import stints_by_right
from .charges import PriceError, Prices
from .cost_date import PROTECTION_DAYS, CostDate, What, is_near
from .programme_file import NotKnownError
from .programmes import nbt_maker, vintage
from .running import Running
from .setting import Setting
from .terms import Generator

EXPORT_TABLE_DAYS = 60
_ONE_DAY = timedelta(days=1)


def protection_dates(account: AccountFile, now: Running) -> Iterator[CostDate]:
    """Of the plant, as far as its dates are stated."""
    generator = account.terms.generator
    if generator is None or generator.pto is None:
        return
    try:
        found = _vintage_end(account, now.day, generator)
    except NotKnownError:  # permission from before there was such a programme
        found = None
    if found is not None and is_near(now.day, found[0], PROTECTION_DAYS):
        yield CostDate(What.VINTAGE_ENDS, *found)
    if now.bill.slot.programme == vintage.NBT:
        yield from _net_billing(account, now)


def _vintage_end(account: AccountFile, today: date, generator: Generator) -> tuple[date, str] | None:
    """The last day of the vintage that holds today, and why; None where nothing ends it. Raises NotKnownError."""
    stints = stints_by_right(account.terms)
    name = next((one.name for one in reversed(stints) if one.first <= today), None)
    if name not in (vintage.NEM1, vintage.NEM2):
        return None
    own = next((one.first for one in stints if one.name == vintage.NBT), None)
    history = vintage.vintages(generator, account.terms.customer.utility, own)
    at = next((at for at in reversed(range(len(history))) if history[at].first_day <= today), None)
    if at is not None and history[at].programme == name:
        if at + 1 == len(history):
            return None
        following = history[at + 1]
        return following.first_day - _ONE_DAY, f"{name} ends, and {following.programme} begins: {following.why}"
    # The account says another vintage than its dates give, which every statement tells: by what it says.
    assert generator.pto is not None
    until = vintage.protected_until(name, generator.pto)
    return None if until is None else (until - _ONE_DAY, f"{name} is protected for 20 years from {generator.pto}")


def _net_billing(account: AccountFile, now: Running) -> Iterator[CostDate]:
    terms, programme = account.terms, account.programmes[vintage.NBT]
    slot = now.bill.slot
    customer = msgspec.structs.replace(terms.customer, supplier=slot.supplier, pcia_vintage=slot.pcia_vintage)
    prices = Prices(account.tariff, customer, terms.billing.rounding)
    setting = Setting(terms, programme, prices, whole=True, folder=account.folder)
    try:
        table = nbt_maker.table_of(setting)
        until = nbt_maker.locked_until(setting, table)
        rules = nbt_maker.nbt_rules(setting, table, until)
    except (PriceError, NotKnownError):
        return  # no bill could have been made, and its error is what is told
    header, bonus, bonus_until = table.header, rules.acc_plus, rules.acc_plus_until
    if until is not None and is_near(now.day, until, PROTECTION_DAYS):
        why = (
            f"export prices {header.id} are locked for {header.lock_years} years from permission to operate; a bill "
            "with exports after that day is refused until the account names the prices that follow"
        )
        yield CostDate(What.PRICE_LOCK_ENDS, until, why)
    if bonus is not None and bonus_until is not None and is_near(now.day, bonus_until, PROTECTION_DAYS):
        why = f"ACC Plus of {bonus.value:f} per exported kWh ends"
        yield CostDate(What.BONUS_ENDS, bonus_until, why)
    if (until is None or header.last_day < until) and is_near(now.day, header.last_day, EXPORT_TABLE_DAYS):
        why = f"export prices {header.id} end, and no exports after them can be priced: name the next table"
        yield CostDate(What.EXPORT_PRICES_END, header.last_day, why)
