"""A calendar as a person or a program wants to look at it: one moment with its reason and price, or a stretch.

Pure; prices are exact sums of components (`prices`), printed as they are.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from decimal import Decimal

from .calendar import NO_EDGE_US, Calendar
from .holidays import HolidayDay
from .prices import price_components, price_total
from .reasons import Reason, clock_note, reason_at
from .types import Version
from .walltime import ClockChange, clock_changes, iso_local, iso_utc, to_datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds at one instant. Prices per kWh in the tariff's currency."""

    at_us: int
    until_us: int | None
    """The next change of bucket; None where none comes."""
    bucket: str
    reason: Reason
    clock: str
    """What is to be known of the clock on that day; mostly empty."""
    version: Version | None
    components: Mapping[str, Decimal]
    total: Decimal | None
    printed: Decimal | None
    """The total as the utility prints it."""

    def as_json(self, zone: tzinfo) -> dict[str, object]:
        """The same for a program; prices as text, so that no reader makes binary floats of them."""
        version = self.version
        baseline = None if version is None else version.baseline
        return {
            "at": iso_local(self.at_us, zone),
            "at_utc": iso_utc(self.at_us),
            "bucket": self.bucket,
            "until_utc": None if self.until_us is None else iso_utc(self.until_us),
            "reason": str(self.reason),
            **_reason_json(self.reason),
            "clock": self.clock or None,
            "version": None if version is None else version.id,
            "version_source": None if version is None else version.source,
            "price_per_kwh": _text(self.total),
            "printed_per_kwh": _text(self.printed),
            "components_per_kwh": {name: f"{price:f}" for name, price in self.components.items()},
            "baseline_credit_per_kwh": None if baseline is None else f"{baseline.credit_per_kwh:f}",
            "base_services_per_day": {}
            if version is None
            else {tier: f"{price:f}" for tier, price in version.base_services_per_day.items()},
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of time with one bucket and one price."""

    start_us: int
    end_us: int
    bucket: str
    version_id: str
    total: Decimal | None
    reason: Reason
    """What decided at its start."""

    def as_json(self, zone: tzinfo) -> dict[str, object]:
        return {
            "from": iso_local(self.start_us, zone),
            "from_utc": iso_utc(self.start_us),
            "to_utc": iso_utc(self.end_us),
            "bucket": self.bucket,
            "version": self.version_id or None,
            "price_per_kwh": _text(self.total),
            **_reason_json(self.reason),
        }


@dataclass(frozen=True, slots=True)
class Days:
    """What is special in a stretch of time: holidays, and days on which the clock is set."""

    holidays: tuple[HolidayDay, ...]
    clock: tuple[ClockChange, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "holidays": [
                {"date": one.day.isoformat(), "name": one.name, "falls_on": one.named.isoformat()}
                for one in self.holidays
            ],
            "clock_changes": [{"at_utc": iso_utc(one.at_us), "note": str(one)} for one in self.clock],
        }


def moment_at(calendar: Calendar, at_us: int) -> Moment:
    """What holds at `at_us`, UTC microseconds."""
    bucket = calendar.bucket_names[calendar.bucket_at(at_us)]
    until_us = calendar.next_edge_us(at_us)
    version = calendar.version_in_force(at_us)
    return Moment(
        at_us=at_us,
        until_us=None if until_us == NO_EDGE_US else until_us,
        bucket=bucket,
        reason=reason_at(calendar, at_us),
        clock=clock_note(calendar, at_us),
        version=version,
        components={} if version is None else price_components(version, bucket),
        total=None if version is None else price_total(version, bucket),
        printed=None if version is None else version.published_per_kwh.get(bucket),
    )


def rows_between(calendar: Calendar, start_us: int, end_us: int) -> list[Row]:
    """[start_us, end_us) in pieces of one bucket and one version."""
    table = calendar.edges(start_us, end_us)
    versions = calendar.version_edges()
    changes = {edge_us for edge_us, _ in versions if start_us < edge_us < end_us}
    starts = sorted({*table.edges_us, *changes})
    rows: list[Row] = []
    for from_us, to_us in zip(starts, [*starts[1:], end_us], strict=True):
        bucket = calendar.bucket_names[table.bucket_ids[bisect_right(table.edges_us, from_us) - 1]]
        begun = bisect_right(versions, from_us, key=lambda one: one[0])
        version = versions[begun - 1][1] if begun else None
        total = None if version is None else price_total(version, bucket)
        version_id = "" if version is None else version.id
        rows.append(Row(from_us, to_us, bucket, version_id, total, reason_at(calendar, from_us)))
    return rows


def days_between(calendar: Calendar, start_us: int, end_us: int) -> Days:
    """The holidays and the changes of the clock in [start_us, end_us)."""
    day, last = (to_datetime(one, calendar.zone).date() for one in (start_us, end_us - 1))
    dates = (day + timedelta(days=number) for number in range((last - day).days + 1))
    holidays = tuple(one for each in dates if (one := calendar.rules.holiday_on(each)) is not None)
    return Days(holidays, clock_changes(start_us, end_us, calendar.zone))


def _reason_json(reason: Reason) -> dict[str, object]:
    return {
        "season": None if reason.season is None else reason.season.name,
        "day": reason.rule_day.isoformat(),
        "holiday": None if reason.holiday is None else str(reason.holiday),
        "period": None if reason.period is None else reason.period.name,
    }


def _text(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"
