"""Alternative energy credits of a plant: one for each whole megawatt-hour that its own meter counted, over its life.

A credit is of the energy year (June to May) of the month in which it is completed; what is left is carried. Only the
production register counts: a net meter never sees what the house used itself, so without one there is no count and
never a guess. Who must meter, by size and date: `must_be_metered`. (net-metering A12; 52 Pa. Code 75.63 (f), (g))
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, tzinfo

from ..tariff.cycles import month_of
from ..tariff.walltime import to_datetime
from .energy import EnergyTable
from .pa_checks import PHOTOVOLTAIC
from .pa_terms import CertificateTerms
from .programme_file import load_programme
from .registry import PENNSYLVANIA
from .terms import Generator

MILLIWH_PER_CREDIT = 1_000_000_000
MILLIWH_PER_WH = 1000


@dataclass(frozen=True, slots=True)
class EnergyYear:
    """One energy year: what was produced in it, and the credits completed in its months."""

    first_day: date
    production_milliwh: int
    credits: int

    @property
    def last_day(self) -> date:
        return date(self.first_day.year + 1, 5, 31)


@dataclass(frozen=True, slots=True)
class Certificates:
    """A plant's count. `carried_milliwh`: towards the next credit."""

    years: tuple[EnergyYear, ...]
    carried_milliwh: int
    is_whole: bool
    """Whether there is no time in it of which the production is not known."""


def certificates_of(production: EnergyTable, zone: tzinfo, before_milliwh: int = 0) -> Certificates:
    """The count of a table of production (as exports). `before_milliwh`: carried from before its first interval."""
    total, years = before_milliwh, dict[date, EnergyYear]()
    for month, milliwh in _months(production, zone):
        first = date(month.year if month.month > 5 else month.year - 1, 6, 1)
        held = years.get(first, EnergyYear(first, 0, 0))
        completed = (total + milliwh) // MILLIWH_PER_CREDIT - total // MILLIWH_PER_CREDIT
        years[first] = EnergyYear(first, held.production_milliwh + milliwh, held.credits + completed)
        total += milliwh
    holes = production.holes(*production.first_and_last_us())
    return Certificates(tuple(years.values()), total % MILLIWH_PER_CREDIT, is_whole=not holes)


def must_be_metered(generator: Generator, stated: CertificateTerms) -> tuple[bool, str]:
    """Whether credits need metered data, and why: photovoltaics up to 15 kW from before 2017-05-18 may be estimated."""
    file = load_programme(PENNSYLVANIA)
    since = file.day("metered_from", "")
    assert since is not None
    limit = file.figure_on("estimate_size", "", date.max).value
    size = generator.size_kw + sum(one.added_kw for one in generator.enlargement)
    if generator.technology not in PHOTOVOLTAIC:
        return True, f"{generator.technology} is not photovoltaic: metered data"
    if size > limit:
        return True, f"{size:f} kW are more than {limit:f} kW: metered data"
    newest = max([stated.installed, *(one.day for one in generator.enlargement)])
    if newest >= since.day:
        return True, f"installed or enlarged on {newest}, on or after {since.day}: metered data, whatever the size"
    return False, f"{size:f} kW of before {since.day}: may be estimated; what is counted here is metered"


def _months(table: EnergyTable, zone: tzinfo) -> Iterator[tuple[date, int]]:
    """Local month -> production, in order; an interval belongs to the month it begins in."""
    if not len(table):
        return
    start_us, end_us = table.first_and_last_us()
    month = month_of(to_datetime(start_us, zone).date())
    while True:
        first_us, next_us = month.edges_us(zone)
        yield month.first_day, int(table.flow_export.milliwh[table.rows_in(first_us, next_us)].sum())
        if next_us >= end_us:
            return
        month = month_of(_next_day(month.last_day))


def _next_day(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
