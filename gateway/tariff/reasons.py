"""Why an instant has its bucket: version, season, day, holiday, period, and what the clock does on that day.

Pure; says what `days` and `walltime` decided and decides nothing itself.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from .holidays import HolidayDay
from .types import ClockKind, Period, Season, Version
from .walltime import ClockChange, clock_changes, to_datetime, wall_to_us, which_time

if TYPE_CHECKING:
    from .calendar import Calendar

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reason:
    """The rules that decided at one instant; None where there was none."""

    bucket: str
    """Empty: unassigned."""
    day: date
    """The local date of the instant."""
    rule_day: date
    """The day whose class counted: the day before `day` in hours over midnight."""
    version: Version | None
    season: Season | None
    holiday: HolidayDay | None
    """Of `rule_day`."""
    period: Period | None
    also: tuple[Period, ...]
    """Periods that fit too and gave way."""
    gap: str = ""
    """Why the bucket is unassigned; empty where it is not."""

    def __str__(self) -> str:
        if self.gap or self.period is None:
            return f"unassigned: {self.gap}"
        period = f"period {self.period.name} ({self.period.start} to {self.period.end})"
        return f"{self.bucket}: {self.circumstances()}, {period}"

    def circumstances(self) -> str:
        """Version, season and day."""
        words = [] if self.version is None else [f"version {self.version.id}"]
        if self.season is not None:
            words.append(f"season {self.season.name} ({self.season.first} to {self.season.last})")
        return ", ".join([*words, self.day_words()])

    def day_words(self) -> str:
        """The day whose class counted, its holiday, and the classes that the period asks for."""
        day = f"{self.rule_day:%A}" if self.holiday is None else f"{self.rule_day:%A}, holiday {self.holiday}"
        classes = "" if self.period is None else f" (days: {', '.join(self.period.days)})"
        night = " night" if self.rule_day != self.day else ""
        return day + night + classes


def reason_at(calendar: "Calendar", utc_us: int) -> Reason:
    """The reason for the bucket at an instant, UTC microseconds."""
    local = to_datetime(utc_us, calendar.zone)
    day, minute, rules = local.date(), local.hour * 60 + local.minute, calendar.rules
    piece = [one for one in rules.pieces(day) if one.minute <= minute][-1]
    rule_day = day - _ONE_DAY if piece.from_yesterday else day
    reason = Reason(
        bucket=piece.bucket,
        day=day,
        rule_day=rule_day,
        version=rules.version_on(day),
        season=rules.season_on(day),
        holiday=rules.holiday_on(rule_day, asked_on=day),
        period=piece.period,
        also=piece.claims[1:],
    )
    return reason if reason.period is not None else replace(reason, gap=_gap(calendar, reason))


def clock_note(calendar: "Calendar", utc_us: int) -> str:
    """What is to be known of the clock at an instant: a change on its day, a time that comes twice, standard time."""
    words = []
    day = to_datetime(utc_us, calendar.zone).date()
    words += [str(one) for one in changes_on(calendar, day)]
    which = which_time(utc_us, calendar.zone)
    if which:
        words.append(f"the {('first', 'second')[which - 1]} of the two times that it shows {_clock(calendar, utc_us)}")
    if calendar.tariff.clock is ClockKind.STANDARD:
        words.append("hours are standard time all year, whatever the clock on the wall shows")
    return "; ".join(words)


def changes_on(calendar: "Calendar", day: date) -> tuple[ClockChange, ...]:
    """Each time that the clock is set on a local day, its last midnight included."""
    start_us, end_us = (wall_to_us(one, 0, calendar.zone) for one in (day, day + _ONE_DAY))
    found = clock_changes(start_us - 3_600_000_000, end_us + 1, calendar.zone)
    return tuple(one for one in found if day in (one.before.date(), one.after.date()))


def _clock(calendar: "Calendar", utc_us: int) -> str:
    return f"{to_datetime(utc_us, calendar.zone):%H:%M}"


def _gap(calendar: "Calendar", reason: Reason) -> str:
    versions = calendar.tariff.version
    if reason.version is None:
        begun = [one for one in versions if one.effective <= reason.day]
        if not begun:
            return f"the tariff's first version begins on {versions[0].id}"
        return f"version {begun[-1].id} ended on {begun[-1].last_day} and no other is in force"
    if reason.season is None and calendar.tariff.seasons_of(reason.version):
        return f"version {reason.version.id} has no season for {reason.day:%m-%d}"
    return f"no period covers this hour of {reason.circumstances()}"
