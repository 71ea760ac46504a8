"""Reading days that an account does not know yet: those of last year, or in its first year one a month.

A guess at dates alone, for projections and for dates that cost money; a bill is never made of it. That it is a guess is
told with what it is used for. (corrections C.4, C.7)
"""

from calendar import monthrange
from datetime import date, timedelta

import msgspec

from ..tariff.cycles import ReadDay
from .programmes.vintage import years_after
from .terms import AccountTerms
from .timeline import CYCLES_A_YEAR

LONGEST_YEAR = timedelta(days=400)
HALF_A_MONTH = 15
_ONE_DAY = timedelta(days=1)


def with_dates_to_come(terms: AccountTerms, as_of: date) -> AccountTerms:
    """Read dates to the end of any year that runs on `as_of`. Calendar months need none."""
    known = list(terms.billing.read_dates)
    if len(known) < 2:
        return terms
    last, stated = known[-1], _anniversary_read(terms)
    while known[-1] < as_of + LONGEST_YEAR:
        if len(known) > CYCLES_A_YEAR:
            following = years_after(known[-CYCLES_A_YEAR], 1)
        else:
            following = months_after(last, len(known) + 1 - len(terms.billing.read_dates))
        if stated is not None and abs((following - stated).days) <= HALF_A_MONTH:
            following = stated
        if following <= known[-1]:
            break
        known.append(following)
    return msgspec.structs.replace(terms, billing=msgspec.structs.replace(terms.billing, read_dates=tuple(known)))


def _anniversary_read(terms: AccountTerms) -> date | None:
    """The read date that an anniversary states, which is better than a guess."""
    billing = terms.billing
    if billing.anniversary is None or billing.read_day is ReadDay.FIRST_DAY:
        return billing.anniversary
    return billing.anniversary - _ONE_DAY


def assumed_dates(terms: AccountTerms, closes: date) -> str:
    """The sentence for a year that ends with a reading day that is not known; else empty."""
    known = terms.billing.read_dates
    if not known:
        return ""
    last = known[-1] if terms.billing.read_day is ReadDay.LAST_DAY else known[-1] - _ONE_DAY
    if closes <= last:
        return ""
    how = "those of last year" if len(known) > CYCLES_A_YEAR else "one a month after the last that is known"
    return f"reading days after {known[-1]} are not in the account yet and are taken to be {how}"


def months_after(day: date, months: int) -> date:
    """The same day so many months later; a month that is too short has its last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
