"""A URDB record as frozen types: prices, the two schedules, dates. What cannot be understood is refused, never skipped.

Fields and their meaning: openei.org/services/doc/rest/util_rates (version 3 and later). `rate` and `adj` are added;
the last tier has no `max`; the schedules are twelve months of twenty-four hours that hold positions, from 0, in
`energyratestructure`. Nothing here asks anybody anything: that is in `urdb_questions`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from .urdb_file import UrdbDocument

NO_LIMIT = Decimal(10) ** 9
"""kWh; a limit beyond this is how some writers say that there is none."""
MOST_PLACES = 9
_KINDS = ("weekday", "weekend")

Schedule = tuple[tuple[int, ...], ...]
"""[month 0..11][hour 0..23] -> position in `UrdbRate.periods`."""


@dataclass(frozen=True, slots=True)
class Tier:
    """USD per kWh up to a limit."""

    rate: Decimal
    adj: Decimal
    sell: Decimal | None
    limit: Decimal | None
    """In `unit`; None in the last tier."""
    unit: str

    @property
    def total(self) -> Decimal:
        """What a kilowatt-hour costs."""
        return self.rate + self.adj


@dataclass(frozen=True, slots=True)
class UrdbRate:
    """One record, checked."""

    document: UrdbDocument
    periods: tuple[tuple[Tier, ...], ...]
    weekday: Schedule
    weekend: Schedule
    start: date | None
    last_day: date | None
    fixed: tuple[str, Decimal] | None
    """The key of the fixed charge and its amount, which may be zero; None where the record has none."""
    notes: tuple[str, ...]
    """How something was read that could have been read otherwise."""

    def text(self, key: str) -> str:
        """A text field on one line; empty where there is none."""
        value = self.document.keys.get(key)
        return " ".join(value.split()) if isinstance(value, str) else ""

    @property
    def used(self) -> tuple[int, ...]:
        """The periods that the schedules name, in order."""
        return tuple(sorted({one for schedule in (self.weekday, self.weekend) for row in schedule for one in row}))


def parse_rate(document: UrdbDocument) -> UrdbRate:
    """The record in `document`. Raises UrdbError."""
    notes: list[str] = []
    _no_fuel_adjustments(document)
    periods = _periods(document, notes)
    weekday, weekend = (_schedule(document, f"energy{kind}schedule", len(periods)) for kind in _KINDS)
    start = _date(document, "startdate", notes)
    last_day = _date(document, "enddate", notes)
    if last_day is not None:
        notes.append(f"enddate {last_day} is taken for the last day on which it holds")
    if start is not None and last_day is not None and last_day < start:
        raise document.refuse("enddate", f"ends on {last_day}, before it begins on {start}", value=last_day)
    fixed = _fixed(document, notes)
    rate = UrdbRate(document, periods, weekday, weekend, start, last_day, fixed, tuple(notes))
    for position in rate.used:
        if not periods[position]:
            raise document.refuse("energyratestructure", f"period {position} has no price", "look at the sheet")
    return rate


def price_of(document: UrdbDocument, key: str, value: object, name: str) -> Decimal:
    """A number as an exact price. Raises UrdbError."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise document.refuse(key, f"{name} is {str(value)[:40]!r}, not a number", value=value)
    price = Decimal(value)
    if abs(price) >= 100_000:
        raise document.refuse(key, f"{name} is {str(value)[:40]}, which is no price in dollars", value=value)
    price = price.normalize() if price else Decimal(0)
    places = -int(price.as_tuple().exponent)
    if places > MOST_PLACES:
        mend = "look at the sheet and write the figure as it prints it"
        raise document.refuse(key, f"{name} has {places} decimal places, more than {MOST_PLACES}", mend, value)
    return price.quantize(Decimal(1)) if places < 0 else price


def _periods(document: UrdbDocument, notes: list[str]) -> tuple[tuple[Tier, ...], ...]:
    key = "energyratestructure"
    structure = document.keys.get(key)
    if structure is None:
        raise document.refuse(
            key, "there is no energyratestructure", "a URDB record without energy prices is no tariff"
        )
    if not isinstance(structure, list) or not structure:
        raise document.refuse(key, "energyratestructure is no list of periods")
    periods = []
    for position, tiers in enumerate(structure):
        if not isinstance(tiers, list):
            raise document.refuse(key, f"period {position} is no list of tiers")
        periods.append(tuple(_tier(document, position, number, tiers, notes) for number in range(len(tiers))))
    return tuple(periods)


def _tier(document: UrdbDocument, position: int, number: int, tiers: list[object], notes: list[str]) -> Tier:
    key, name = "energyratestructure", f"period {position} tier {number + 1}"
    one = tiers[number]
    if not isinstance(one, dict):
        raise document.refuse(key, f"{name} is no object with a rate")
    if "rate" not in one:
        raise document.refuse(key, f"{name} has no rate", "a price that is not there is not taken for zero")
    if one.get("unit") is not None and not isinstance(one["unit"], str):
        raise document.refuse(key, f"{name} has a unit that is no text", value=one["unit"])
    limit = _limit(document, name, one.get("max"), number == len(tiers) - 1, notes)
    previous = tiers[number - 1] if number else {}
    below = previous.get("max") if isinstance(previous, dict) else None
    if limit is not None and isinstance(below, int | Decimal) and limit <= below:
        raise document.refuse(key, f"{name} ends at {limit}, which is not above the tier before", value=limit)
    return Tier(
        rate=price_of(document, key, one["rate"], f"rate of {name}"),
        adj=Decimal(0) if one.get("adj") is None else price_of(document, key, one["adj"], f"adj of {name}"),
        sell=None if one.get("sell") is None else price_of(document, key, one["sell"], f"sell of {name}"),
        limit=limit,
        unit=str(one.get("unit") or "kWh"),
    )


def _limit(document: UrdbDocument, name: str, value: object, last: bool, notes: list[str]) -> Decimal | None:
    key = "energyratestructure"
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | Decimal)):
        raise document.refuse(key, f"max of {name} is {str(value)[:40]!r}, not a number", value=value)
    limit = None if value is None else Decimal(value)
    if last:
        if limit is not None and 0 < limit < NO_LIMIT:
            mend = "above it no price is known: look at the sheet"
            raise document.refuse(key, f"{name} is the last and ends at {limit}", mend, value)
        if limit == 0:
            notes.append(f"{name} is the last and has max 0: read as no limit")
        return None
    if limit is None or limit <= 0:
        raise document.refuse(key, f"{name} is not the last and has no max", "look at the sheet", value)
    return limit


def _schedule(document: UrdbDocument, key: str, count: int) -> Schedule:
    schedule = document.keys.get(key)
    if not isinstance(schedule, list) or len(schedule) != 12:
        raise document.refuse(key, f"{key} is missing or has not twelve months")
    rows = []
    for month, row in enumerate(schedule, 1):
        if not isinstance(row, list) or len(row) != 24:
            raise document.refuse(key, f"month {month} of {key} has not twenty-four hours")
        for hour, one in enumerate(row):
            if isinstance(one, bool) or not isinstance(one, int) or not 0 <= one < count:
                message = (
                    f"month {month}, hour {hour} of {key} names period {str(one)[:20]}; there are 0 to {count - 1}"
                )
                raise document.refuse(key, message, "the record contradicts itself: look at the sheet", one)
        rows.append(tuple(row))
    return tuple(rows)


def _fixed(document: UrdbDocument, notes: list[str]) -> tuple[str, Decimal] | None:
    """Of the newer key and the older one the first that is not zero, else the first that is there."""
    found = [
        (key, price_of(document, key, document.keys[key], "the fixed charge"))
        for key in ("fixedchargefirstmeter", "fixedmonthlycharge")
        if document.keys.get(key) is not None
    ]
    charges = [one for one in found if one[1]]
    if len(charges) == 2:
        (key, amount), (older, other) = charges
        notes.append(f"{key} {amount:f} is taken for the fixed charge, and {older} {other:f} for the same one")
    return next(iter(charges or found), None)


def _no_fuel_adjustments(document: UrdbDocument) -> None:
    monthly = document.keys.get("fueladjustmentsmonthly")
    if monthly and (not isinstance(monthly, list) or any(one not in (0, None) for one in monthly)):
        message = "the price changes every month by fuelAdjustmentsMonthly"
        mend = "a tariff file has one price for a bucket: write one version a month by hand"
        raise document.refuse("fueladjustmentsmonthly", message, mend)


def _date(document: UrdbDocument, key: str, notes: list[str]) -> date | None:
    """A day, from seconds since 1970 or from text. Which midnight is meant by seconds URDB does not say."""
    value = document.keys.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            mend = "write it as 2026-06-01 (a year of two digits can be two years)"
            raise document.refuse(key, f"{key} is {value[:40]!r}, which is no date", mend, value) from None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < 4_102_444_800:
        raise document.refuse(
            key, f"{key} is {str(value)[:40]}, which is no date of the years 1970 to 2099", value=value
        )
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(value))
    nearest = (moment + timedelta(hours=12)).date()
    off = abs(moment - datetime(nearest.year, nearest.month, nearest.day, tzinfo=UTC))
    if off > timedelta(hours=8):
        mend = "write the day as text into the file: 2026-06-01"
        raise document.refuse(
            key, f"{key} is {moment:%Y-%m-%dT%H:%MZ}, midnight nowhere in the United States", mend, value
        )
    if off:
        notes.append(f"{key} {moment:%Y-%m-%dT%H:%MZ} is read as {nearest.isoformat()}: URDB keeps no time zone")
    return nearest
