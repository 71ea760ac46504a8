"""When prices that are known end and nothing follows them: of the tariff, of the supplier's, of price files by time.

The next bill cannot be made then, or would be made at last year's prices. Reads and guesses nothing. (corrections C.7)
"""

from collections.abc import Iterator
from datetime import date, timedelta

from ..tariff.calendar import Calendar
from ..tariff.types import Tariff
from ..tariff.walltime import to_datetime
from .account_file import AccountFile
from .cost_date import CostDate, What, is_near
from .running import Running
from .sources import Energy

TARIFF_DAYS = 60
PRICE_FILE_DAYS = 14
"""Such a file may go no farther than tomorrow; a longer notice would be told of each of its days."""
_ONE_DAY = timedelta(days=1)


def price_dates(account: AccountFile, energy: Energy, now: Running) -> Iterator[CostDate]:
    """Of what the running bill is made of."""
    yield from _tariff(account.tariff, now.day, What.TARIFF_ENDS, "tariff")
    if account.supplier_tariff is not None and now.bill.bill.period.beside is not None:
        yield from _tariff(account.supplier_tariff, now.day, What.SUPPLIER_TARIFF_ENDS, "the supplier's tariff")
    zone = Calendar(account.tariff).zone
    files = (
        (What.EXPORT_PRICES_END, "export prices", energy.export_prices),
        (What.IMPORT_PRICES_END, "import prices", energy.import_prices),
    )
    for what, name, series in files:
        if series is None:
            continue
        day = to_datetime(series.end_us, zone).date() - _ONE_DAY
        if is_near(now.day, day, PRICE_FILE_DAYS):
            why = f"{name} {series.source} end, and nothing after them can be priced: add rows to the file"
            yield CostDate(what, day, why)


def _tariff(tariff: Tariff, today: date, what: What, name: str) -> Iterator[CostDate]:
    day = last_priced(tariff, today)
    if day is not None and is_near(today, day, TARIFF_DAYS):
        why = f"the last version of {name} {tariff.id} that is known ends, and no price follows: add the next version"
        yield CostDate(what, day, why)


def last_priced(tariff: Tariff, day: date) -> date | None:
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
