"""What a tariff file must fulfil beyond the types of its keys. Notes problems in the document; changes nothing.

Sums of components are held against the totals that the utility prints: a slip of the pen in one of ninety
figures is otherwise found on a bill.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from ..config.convert import Converter
from ..config.document import Document
from ..config.hints import did_you_mean
from ..config.problem import TomlPath
from .calendar import UNASSIGNED_NAME
from .days import in_season
from .holiday_lists import check_holiday
from .price_checks import check_parts
from .prices import price_components
from .types import Season, Tariff, Version, bucket_name, minute_of, month_day_of
from .walltime import FIRST_YEAR, LAST_YEAR

# In the folder of the time zones, and none: the machine's own, a machine's that nobody has set up, and leap seconds.
_NO_PLACES = ("localtime", "posixrules", "Factory", "posix/", "right/")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
PRINTED_STEP = Decimal("0.00001")
"""Sheets round their totals and their components each for itself, so that a total may be one step off."""


def check_tariff(document: Document, converter: Converter, tariff: Tariff | None) -> None:
    """Notes what is wrong with values and across them; the rules across versions need a whole `tariff`."""
    for path, fields in converter.tables.items():
        kind = _kind(path)
        if kind == "":
            check_top(document, fields.text("id"), fields.text("zone"))
        elif kind == "season":
            _check_name(document, path, fields.text("name"))
            for key, name in (("from", "first"), ("to", "last")):
                _check_month_day(document, (*path, key), fields.text(name))
        elif kind == "period":
            _check_name(document, path, fields.text("name"))
            _check_hours(document, path, fields.text("start"), fields.text("end"))
        elif kind == "holiday":
            check_holiday(document, path, fields)
    if tariff is None or document.problems:
        return
    if not tariff.version:
        document.add(("version",), "there is no [[version]]", "a tariff holds from a date on")
    for position, version in enumerate(tariff.version):
        path = ("version", position)
        if position and version.effective <= tariff.version[position - 1].effective:
            document.add((*path, "effective"), "versions must be in order of time, one a day", value=version.id)
        check_years(document, (*path, "effective"), version.effective, "a calendar has no other years")
        if version.last_day is not None:
            mend = "leave last_day out where the sheet names none"
            check_years(document, (*path, "last_day"), version.last_day, mend)
        if version.last_day is not None and version.last_day < version.effective:
            message = f"last_day {version.last_day} is before effective {version.id}"
            document.add((*path, "last_day"), message, "it is the last day on which the version holds")
        _check_rules(document, path, tariff, version)
        _check_prices(document, path, tariff, version)
    check_parts(document, tariff)
    # Rules that several versions share are looked at for each of them, but told once.
    document.problems[:] = dict.fromkeys(document.problems)


def check_years(document: Document, path: TomlPath, day: date, mend: str) -> None:
    """Notes a day on which no calendar can begin or end."""
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        document.add(path, f"{day} is outside the years {FIRST_YEAR} to {LAST_YEAR - 1}", mend, value=day)


def _kind(path: TomlPath) -> str:
    names = [part for part in path if isinstance(part, str)]
    return names[-1] if names else ""


def check_top(document: Document, name: str | None, zone: str | None) -> None:
    """Notes what is wrong with `id` and `zone`; None where a key is not there."""
    if name is not None and not _NAME.fullmatch(name):
        mend = "small letters, digits, - and _, at most 32"
        document.add(("id",), f'id "{name}" cannot be used', mend, value=name)
    if zone is None:
        return
    try:
        there = not zone.startswith(_NO_PLACES) and ZoneInfo(zone) is not None
    except (ValueError, OSError, LookupError):
        there = False
    if not there:
        zones = {one for one in available_timezones() if not one.startswith(_NO_PLACES)}
        near = did_you_mean(zone, sorted(zones))
        mend = near if near.startswith("did") else "names are like America/Los_Angeles: timedatectl list-timezones"
        document.add(("zone",), f'there is no time zone "{zone}"', mend, value=zone)


def _check_name(document: Document, path: TomlPath, name: str | None) -> None:
    if name is not None and (not _NAME.fullmatch(name) or "-" in name or name == UNASSIGNED_NAME):
        mend = f'small letters, digits and _, at most 32; "{UNASSIGNED_NAME}" is taken'
        document.add((*path, "name"), f'name "{name}" cannot be part of a bucket name', mend, value=name)


def _check_month_day(document: Document, path: TomlPath, text: str | None) -> None:
    if text is None:
        return
    try:
        month_day_of(text)
    except ValueError:
        document.add(path, f'"{text}" is no day of the year', 'month and day: "06-01"', value=text)


def _check_hours(document: Document, path: TomlPath, start: str | None, end: str | None) -> None:
    minutes: dict[str, int] = {}
    for key, text in (("from", start), ("to", end)):
        if text is None:
            continue
        try:
            minutes[key] = minute_of(text)
        except ValueError:
            mend = 'hours and minutes, 24:00 for the end of the day: "16:00"'
            document.add((*path, key), f'"{text}" is no time of day', mend, value=text)
    if minutes.get("from") == 24 * 60:
        document.add((*path, "from"), "a period cannot begin at 24:00", 'write "00:00"', value=start)
    if len(minutes) == 2 and minutes["from"] == minutes["to"]:
        document.add((*path, "to"), f"begins and ends at {start}", 'the whole day is "00:00" to "24:00"', value=end)
    if minutes.get("to") == 0:
        document.add((*path, "to"), "a period cannot end at 00:00", 'write "24:00"', value=end)


def _check_rules(document: Document, path: TomlPath, tariff: Tariff, version: Version) -> None:
    seasons, periods = tariff.seasons_of(version), tariff.periods_of(version)
    if not periods:
        document.add(path, "no [[period]] says which hours are which", 'a flat price is one, "00:00" to "24:00"')
    names = [season.name for season in seasons]
    for position, period in enumerate(periods):
        place = (*path, "period", position, "seasons") if version.period else ("period", position, "seasons")
        for name in period.seasons:
            if name not in names:
                document.add(place, f'there is no season "{name}"', did_you_mean(name, names), value=name)
    _check_bucket_names(document, path, tariff, version)
    shared_and_seen = not version.season and path != ("version", 0)
    overlap = None if shared_and_seen else _overlap(seasons)
    if overlap is not None:
        day, first, second = overlap
        place = (*path, "season", second) if version.season else ("season", second)
        message = f"seasons {names[first]} and {names[second]} both hold on {day:%m-%d}"
        document.add(place, message, "let each day have one season")


def _check_bucket_names(document: Document, path: TomlPath, tariff: Tariff, version: Version) -> None:
    """Two hours of different kinds must not be one bucket: `summer` with `super_peak`, `summer_super` with `peak`."""
    whose: dict[str, tuple[str, str]] = {}
    for pair in dict.fromkeys(tariff.pairs_of(version)):
        name = bucket_name(*pair)
        season, period = whose.setdefault(name, pair)
        if (season, period) != pair:
            message = f"season {pair[0]} with period {pair[1]} is bucket {name}, as is {season} with {period}"
            document.add(path if version.period else ("period",), message, "let one of them have another name")


def _overlap(seasons: tuple[Season, ...]) -> tuple[date, int, int] | None:
    """The first day of the year that two seasons claim, and their positions."""
    for offset in range(366):
        day = date(2000, 1, 1) + timedelta(days=offset)
        holding = [position for position, season in enumerate(seasons) if in_season(season, day)]
        if len(holding) > 1:
            return day, holding[0], holding[1]
    return None


def _check_prices(document: Document, path: TomlPath, tariff: Tariff, version: Version) -> None:
    buckets = tariff.bucket_names_of(version)
    for table, prices in (("energy_per_kwh", version.energy_per_kwh), ("published_per_kwh", version.published_per_kwh)):
        for name in prices:
            if name not in buckets:
                message = f'no season and period give a bucket "{name}"'
                document.add((*path, table, name), message, did_you_mean(name, buckets), value=name)
    for table, prices in (("adders_per_kwh", version.adders_per_kwh), ("published_per_kwh", version.published_per_kwh)):
        if prices and not version.energy_per_kwh:
            mend = f"write the price of each bucket: [version.energy_per_kwh.{buckets[0]}]"
            document.add((*path, table), f"{table} stands alone, and is the price of no hour", mend)
    for name in buckets if version.energy_per_kwh else ():
        if name not in version.energy_per_kwh:
            place = (*path, "energy_per_kwh")
            document.add(place, f'bucket "{name}" has no price', f"add [version.energy_per_kwh.{name}]")
        elif not price_components(version, name):
            place = (*path, "energy_per_kwh", name)
            document.add(place, f'bucket "{name}" has no price', 'write its components: energy = "0.20"')
    for name, components in version.energy_per_kwh.items():
        for twice in sorted(set(components) & set(version.adders_per_kwh)):
            message = f'component "{twice}" stands both here and in adders_per_kwh'
            document.add((*path, "energy_per_kwh", name, twice), message, "it would be counted twice: leave one out")
    for name, printed in version.published_per_kwh.items():
        if name not in version.energy_per_kwh:
            continue
        total = sum(price_components(version, name).values(), Decimal(0))
        if abs(total - printed) > PRINTED_STEP:
            message = f"the components of {name} sum to {total}, the printed total is {printed}"
            document.add((*path, "published_per_kwh", name), message, "one of the figures is mistyped", value=printed)
    if version.baseline is not None:
        spread = version.baseline.over_per_kwh - version.baseline.within_per_kwh
        if spread != version.baseline.credit_per_kwh:
            message = f"over_per_kwh - within_per_kwh is {spread}, credit_per_kwh is {version.baseline.credit_per_kwh}"
            document.add((*path, "baseline", "credit_per_kwh"), message, "one of the figures is mistyped")
