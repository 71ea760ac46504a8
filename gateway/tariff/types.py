"""A tariff as a person writes it in config/tariffs/*.toml, as frozen types.

Prices are Decimals in `currency` per kWh (or per day where the name says so). Parsing and checking is in
`tariff_file`; when what holds is worked out in `days` and `calendar`.
"""

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from .flags import Flag

MINUTES_A_DAY = 24 * 60
# Digits alone: int() would take "+4", " 4" and the digits of other scripts too.
_CLOCK = re.compile(r"(\d\d):(\d\d)", re.ASCII)
_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)


class ClockKind(StrEnum):
    """Which clock the tariff's hours are told by."""

    LOCAL = "local"
    """The clock on the wall, daylight saving time included."""
    STANDARD = "standard"
    """Standard time all year, as a meter without a calendar runs."""


class DayClass(StrEnum):
    """Days of one kind. On a day listed as a holiday only `every` and `holiday` hold."""

    EVERY = "every"
    WEEKDAY = "weekday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class Observance(StrEnum):
    """Where a holiday goes that falls on a weekend. A holiday that moves leaves its own day, unless `keep_day`."""

    NONE = "none"
    """It stays: a holiday on a Saturday or Sunday makes no weekday one."""
    SUNDAY_TO_MONDAY = "sunday_to_monday"
    SATURDAY_TO_FRIDAY = "saturday_to_friday"
    NEAREST_WEEKDAY = "nearest_weekday"
    """Saturday to Friday, Sunday to Monday."""
    NEXT_WORKDAY = "next_workday"
    """From either day to the next Monday to Friday that is no holiday yet."""


class Season(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}
):
    """A stretch of every year, `MM-DD` to `MM-DD`, both days included; it may run over the new year."""

    name: str
    first: str
    last: str


class Period(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}
):
    """Hours of a day, `HH:MM` to `HH:MM`, the end excluded; over midnight it belongs to the day it begins on.

    Of several periods that fit, the first in the file decides.
    """

    name: str
    start: str
    end: str
    days: tuple[DayClass, ...] = (DayClass.EVERY,)
    seasons: tuple[str, ...] = ()
    """Seasons in which it exists; empty means all."""
    months: tuple[Annotated[int, Meta(ge=1, le=12)], ...] = ()
    """Months in which it exists, 1 to 12; empty means all. Like a season it goes by the date of the minute itself."""

    @property
    def start_minute(self) -> int:
        """Minutes after local midnight, 0 .. 1439."""
        return minute_of(self.start)

    @property
    def end_minute(self) -> int:
        """Minutes after local midnight, 1 .. 1440; not above `start_minute` where it runs over midnight."""
        return minute_of(self.end)


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The credit per kWh within the baseline allowance, as one figure and as the two rates behind it."""

    credit_per_kwh: Decimal
    within_per_kwh: Decimal
    over_per_kwh: Decimal
    allowance_kwh_per_day: Mapping[str, Mapping[str, Decimal]] = {}
    """Territory or class (`basic_p`) -> season -> kWh a day; empty where the figures have none."""


class Parts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which components are what, for programmes that credit or pay one part of a price. Untagged ones are delivery."""

    supply: tuple[str, ...] = ()
    """What another supplier replaces."""
    transmission: tuple[str, ...] = ()
    non_bypassable: tuple[str, ...] = ()


class Holiday(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day of every year (`on`, see `dates`), or one day (`date`), with the classes `every` and `holiday` alone."""

    name: str
    date: datetime.date | None = None
    on: str = ""
    observed: Observance | None = None
    """Must be chosen where `on` is a fixed day of the year; elsewhere None is `none`."""
    keep_day: bool = False
    """Whether the day itself stays a holiday when another is observed for it."""
    first_year: Annotated[int, Meta(ge=1, le=datetime.MAXYEAR)] | None = None
    last_year: Annotated[int, Meta(ge=1, le=datetime.MAXYEAR)] | None = None


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What energy above a limit costs. Exactly one of the two limits; counted anew in each billing cycle.

    A bucket has this tier if `energy_per_kwh` names it; below the first tier's limit the version's own prices hold.
    """

    above_kwh: Decimal | None = None
    """Kilowatt-hours of a whole billing cycle, by days where only a part of it has this version and season."""
    above_kwh_per_day: Decimal | None = None
    energy_per_kwh: Mapping[str, Mapping[str, Decimal]]
    """Bucket name -> components that differ from those below the limit."""
    export_per_kwh: Mapping[str, Decimal] = {}
    """Bucket name -> what exported energy above the limit is paid."""


class Version(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds from local midnight of `effective` until the next version, or to the end of `last_day`."""

    effective: datetime.date
    source: str
    last_day: datetime.date | None = None
    """The last day on which it holds, where the sheet says so; a next version begins on its own date all the same."""
    season: tuple[Season, ...] = ()
    """Seasons of this version alone; empty means the tariff's."""
    period: tuple[Period, ...] = ()
    """Periods of this version alone; empty means the tariff's."""
    holidays: str = ""
    """Name of a list of holidays for this version alone."""
    holiday: tuple[Holiday, ...] | None = None
    """Holidays of this version alone, those of its list included once read; None means the tariff's."""
    parts: Parts | None = None
    """Which components are what in this version alone; None means the tariff's."""
    adders_per_kwh: Mapping[str, Decimal] = {}
    """Components that are the same at all hours."""
    energy_per_kwh: Mapping[str, Mapping[str, Decimal]] = {}
    """Bucket name -> component -> price."""
    published_per_kwh: Mapping[str, Decimal] = {}
    """Bucket name -> total as the utility prints it; may differ from the sum by one in the last digit."""
    base_services_per_day: Mapping[str, Decimal] = {}
    """Income tier -> daily charge."""
    fixed_per_day: Mapping[str, Decimal] = {}
    fixed_per_month: Mapping[str, Decimal] = {}
    """Charge -> amount due without any energy; besides those by income tier."""
    fixed_per_year: Mapping[str, Decimal] = {}
    minimum_per_day: Mapping[str, Decimal] = {}
    minimum_per_month: Mapping[str, Decimal] = {}
    """Charge -> the least that is billed. A placeholder: unlike a fixed charge it is credited at a true-up."""
    minimum_per_year: Mapping[str, Decimal] = {}
    """Charge -> the least that a year's bills come to."""
    tier: tuple[Tier, ...] = ()
    """Prices above limits of energy, the lowest limit first."""
    export_per_kwh: Mapping[str, Decimal] = {}
    """Bucket name -> what exported energy is paid, where that is no part of the price of imported energy."""
    surplus_per_kwh: Decimal | None = None
    """What a kilowatt-hour is paid that is left over when a Relevant Period ends."""
    options_per_kwh: Mapping[str, Decimal] = {}
    """What a customer may choose -> price per kWh besides; never in the sum by itself."""
    pcia_per_kwh: Mapping[str, Decimal] = {}
    """Year in which another supplier took over -> charge that stands for the supply part of the utility's price."""
    franchise_fee_per_kwh: Mapping[str, Decimal] = {}
    """The same years -> franchise fee surcharge of customers with another supplier."""
    flags: tuple[Flag, ...] = ()
    """What this version leaves out, besides the tariff's own flags."""
    not_included: tuple[str, ...] = ()
    """What the utility bills and this version does not know, in words for people."""
    baseline: Baseline | None = None

    @property
    def id(self) -> str:
        """The effective date, `2026-03-01`."""
        return self.effective.isoformat()

    def tiers_of(self, bucket: str) -> tuple[Tier, ...]:
        """The tiers that a bucket has above its first price, the lowest limit first."""
        return tuple(one for one in self.tier if bucket in one.energy_per_kwh)


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `version` is in order of time."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    utility: str
    zone: str
    currency: str
    source: str
    version: tuple[Version, ...]
    clock: ClockKind = ClockKind.LOCAL
    season: tuple[Season, ...] = ()
    period: tuple[Period, ...] = ()
    holidays: str = ""
    """Name of a list of holidays (config/holidays); its days come before those of `holiday`."""
    holiday: tuple[Holiday, ...] = ()
    """Holidays, those of the list included once read."""
    parts: Parts = Parts()
    flags: tuple[Flag, ...] = ()
    """What every version leaves out."""

    def flags_of(self, version: Version) -> tuple[Flag, ...]:
        """What the figures of `version` leave out, each flag once."""
        return tuple(dict.fromkeys((*self.flags, *version.flags)))

    def seasons_of(self, version: Version) -> tuple[Season, ...]:
        """The seasons that hold in `version`."""
        return version.season or self.season

    def periods_of(self, version: Version) -> tuple[Period, ...]:
        """The periods that hold in `version`, in order of precedence."""
        return version.period or self.period

    def holidays_of(self, version: Version) -> tuple[Holiday, ...]:
        """The holidays that hold in `version`."""
        return self.holiday if version.holiday is None else version.holiday

    def parts_of(self, version: Version) -> Parts:
        """Which components are what in `version`."""
        return self.parts if version.parts is None else version.parts

    def bucket_names_of(self, version: Version) -> tuple[str, ...]:
        """Every `season_period` that can occur in `version` (`period` alone where it has no seasons)."""
        return tuple(dict.fromkeys(bucket_name(season, period) for season, period in self.pairs_of(version)))

    def pairs_of(self, version: Version) -> tuple[tuple[str, str], ...]:
        """Season and period of every bucket in `version`; the season is empty where it has none."""
        seasons = [season.name for season in self.seasons_of(version)] or [""]
        return tuple(
            (season, period.name)
            for season in seasons
            for period in self.periods_of(version)
            if not season or not period.seasons or season in period.seasons
        )


def bucket_name(season: str, period: str) -> str:
    """`summer_peak`; a tariff without seasons has `peak`."""
    return f"{season}_{period}" if season else period


@lru_cache(maxsize=1024)
def minute_of(clock: str) -> int:
    """`HH:MM` -> minutes after midnight; `24:00` is 1440. Raises ValueError."""
    found = _CLOCK.fullmatch(clock)
    hour, minute = (int(found[1]), int(found[2])) if found else (0, MINUTES_A_DAY)
    if minute > 59 or hour * 60 + minute > MINUTES_A_DAY:
        raise ValueError(f"{clock!r} is no time of day")
    return hour * 60 + minute


def clock_of(minute: int) -> str:
    """Minutes after midnight -> `HH:MM`."""
    return f"{minute // 60:02}:{minute % 60:02}"


@lru_cache(maxsize=1024)
def month_day_of(text: str) -> tuple[int, int]:
    """`MM-DD` -> (month, day), 29 February included. Raises ValueError."""
    found = _MONTH_DAY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no day of the year")
    month, day = int(found[1]), int(found[2])
    datetime.date(2000, month, day)  # a leap year
    return month, day
