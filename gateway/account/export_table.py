"""Export prices by month, day type and hour, as utilities publish them: a TOML header and a CSV (config/export-prices).

The header says whose they are, for which applications, which list of holidays they follow and what the autumn hour
that comes twice is called. A month, day type or hour that is missing between the two days of the header refuses the
whole file: no price is ever guessed or taken from another hour. (net-metering 4, 6; corrections D)
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from ..config.convert import Converter
from ..config.document import Document, read_document
from ..config.hints import did_you_mean
from ..config.problem import Problem, ProblemsError, errors_of
from ..config.rules import resolved
from ..places import data_folders, files_by_name
from ..tariff.holiday_lists import HolidayError, load_list, shipped_lists
from ..tariff.holidays import Holidays
from .export_rows import HourPrices, read_rows
from .export_rows_error import RowError

NO_HOLIDAYS = "none"


class ExportTableError(ProblemsError):
    """A table of export prices cannot be used."""


class AutumnHour(StrEnum):
    """Which row's price has the hour that the clock shows a second time."""

    NEXT_HOUR = "next_hour"
    """That of the hour after it, which then holds twice."""
    SAME_HOUR = "same_hour"


class ExportHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The TOML file."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    utility: str
    zone: str
    currency: str
    source: str
    file: str
    """The CSV beside it."""
    first_day: datetime.date
    last_day: datetime.date
    """What lies outside is refused, also where the CSV has rows of it."""
    holidays: str
    """A list of config/holidays, or "none": its days have the weekend's prices."""
    autumn_hour: AutumnHour
    applications_from: datetime.date | None = None
    applications_to: datetime.date | None = None
    lock_years: Annotated[int, Meta(ge=1, le=30)] | None = None
    """For so many years from permission to operate; None: no promise, and nothing ends it but `last_day`."""
    floating: bool = False
    """For customers without a vintage of their own."""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table that has every hour between its two days."""

    header: ExportHeader
    components: tuple[str, ...]
    hours: Mapping[tuple[int, int, bool, str], HourPrices]
    """(year, month, whether weekend, component) -> 24 prices, 1e-9 of the currency per kWh."""
    holidays: Holidays = field(compare=False)

    def is_weekend(self, day: datetime.date) -> bool:
        """Whether a local day has the weekend's prices."""
        return day.weekday() >= 5 or self.holidays.on(day) is not None

    def price(self, component: str, day: datetime.date, hour: int) -> Decimal:
        """One price per kWh by its label. KeyError outside the table."""
        nano = self.hours[(day.year, day.month, self.is_weekend(day), component)][hour]
        return Decimal(nano).scaleb(-9)

    def takes(self, application: datetime.date) -> bool:
        """Whether it is the vintage of an application of that day."""
        first, last = self.header.applications_from, self.header.applications_to
        return first is not None and last is not None and first <= application <= last


def is_table(name_or_path: str) -> bool:
    """Whether a person means a table, by name or by file, rather than a series of prices by time."""
    return name_or_path.endswith(".toml") or name_or_path in _by_name()


def shipped_tables() -> tuple[str, ...]:
    """Names of the tables that come with the program."""
    return tuple(sorted(_by_name()))


@cache
def shipped_table(name: str) -> ExportTable:
    """One of them. Raises ExportTableError, KeyError for a name that does not exist."""
    return read_export_table(_by_name()[name])


def tables_of(utility: str) -> Iterator[ExportTable]:
    """The shipped tables of a utility, by name."""
    for name in shipped_tables():
        if name.startswith(f"{utility}-"):
            yield shipped_table(name)


def load_export_table(name_or_path: str, folder: Path) -> ExportTable:
    """A shipped table by name, or a TOML file by path, relative to `folder`. Raises ExportTableError."""
    if name_or_path.endswith(".toml"):
        return read_export_table(resolved(folder, name_or_path))
    if name_or_path in _by_name():
        return shipped_table(name_or_path)
    mend = did_you_mean(name_or_path, shipped_tables()) or "one of " + ", ".join(shipped_tables()) + ", or a .toml file"
    message = f'there is no table of export prices "{name_or_path}"'
    raise ExportTableError([Problem("", 0, "", "export_prices", name_or_path, message, mend)])


def read_export_table(path: Path) -> ExportTable:
    """The table that a TOML file heads. Raises ExportTableError: every mistake of the header, or the CSV's first."""
    document = read_document(path)
    header = Converter(document).struct(ExportHeader) if document.readable else None
    if header is not None:
        _check(document, header)
    if header is None or errors_of(document.problems):
        raise ExportTableError(errors_of(document.problems))
    csv = resolved(document.folder, header.file)
    try:
        hours = read_rows(csv)
        components = _complete(csv, header, hours)
        holidays = Holidays(() if header.holidays == NO_HOLIDAYS else load_list(header.holidays).holiday)
    except RowError as error:
        document.add(("file",), str(error), error.mend, value=header.file)
        raise ExportTableError(errors_of(document.problems)) from error
    except HolidayError as error:
        raise ExportTableError(error.problems) from error
    return ExportTable(header, components, hours, holidays)


def _check(document: Document, header: ExportHeader) -> None:
    if header.last_day < header.first_day:
        document.add(("last_day",), f"last_day is before first_day {header.first_day}", value=header.last_day)
    try:
        ZoneInfo(header.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        document.add(("zone",), "there is no such time zone", "such as America/Los_Angeles", value=header.zone)
    if header.holidays not in (NO_HOLIDAYS, *shipped_lists()):
        mend = did_you_mean(header.holidays, shipped_lists()) or f'"{NO_HOLIDAYS}", or one of ' + ", ".join(
            shipped_lists()
        )
        document.add(("holidays",), "there is no such list of holidays", mend, value=header.holidays)
    if (header.applications_from is None) != (header.applications_to is None):
        document.add(("applications_from",), "applications_from and applications_to go together")
    if header.floating and header.lock_years is not None:
        document.add(("lock_years",), "floating prices are not locked", "leave one of the two out")


def _complete(
    csv: Path, header: ExportHeader, hours: Mapping[tuple[int, int, bool, str], HourPrices]
) -> tuple[str, ...]:
    """The components of the table. Raises RowError for a month and day type that one of them lacks."""
    components = tuple(sorted({key[3] for key in hours}))
    month = header.first_day.replace(day=1)
    while month <= header.last_day:
        for component in components:
            for weekend, name in ((False, "weekday"), (True, "weekend")):
                if (month.year, month.month, weekend, component) not in hours:
                    what = f"{csv}: there is no row {month.year},{month.month},{name},{component}"
                    mend = (
                        f"every month from {header.first_day} to {header.last_day} needs one, or make that time shorter"
                    )
                    raise RowError(what, mend)
        month = (month + datetime.timedelta(days=31)).replace(day=1)
    return components


def _by_name() -> dict[str, Path]:
    return files_by_name(data_folders("config/export-prices"))
