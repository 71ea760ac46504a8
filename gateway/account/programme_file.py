"""A programme's figures and choices (config/programmes/*.toml): every number with date and source, choices with notes.

What a source does not settle is an option with a default and the reason for it; an account's own choice is checked
against the list. A figure that does not exist for a day is NotKnownError, never zero. (net-metering-corrections F)
"""

import datetime
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ..config.convert import Converter
from ..config.document import Document, read_document
from ..config.hints import did_you_mean
from ..config.problem import Problem, ProblemsError, errors_of
from ..places import data_folders, files_by_name
from ..tariff.cycles import month_of
from .cashout import CashoutRule

ANYWHERE = ""
"""The utility of a figure that holds for all of them."""
EACH = ".*"
"""Ends the name of a bank that there is one of for each bucket."""
EACH_PERIOD = ".{period}"
"""The same for each period, whatever the season."""


class ProgrammeError(ProblemsError):
    """A programme's file cannot be used, or there is none of that name."""


class NotKnownError(Exception):
    """A figure is not known for a day: what needs it is pending. The message is for the user."""


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A choice that no source settles, or that utilities make differently."""

    name: str
    values: tuple[str, ...]
    default: str
    note: str
    """Why the default is what it is; the statement prints it where the option decided something."""
    by_utility: Mapping[str, str] = {}
    """Utility -> its default."""
    by_class: Mapping[str, str] = {}
    """Customer class -> its default, where the utility has none of its own."""
    source: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from"}):
    """A number of a programme from a day on, until the next figure of the same name and utility."""

    name: str
    value: Decimal
    unit: str
    source: str
    first: datetime.date
    last_day: datetime.date | None = None
    utility: str = ANYWHERE


class Series(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that is published month by month: each holds for its calendar month alone, `YYYY-MM`."""

    name: str
    unit: str
    source: str
    by_month: Mapping[str, Decimal]
    utility: str = ANYWHERE

    def figures(self) -> Iterator[Figure]:
        """Each month's value. Raises ValueError for what is no month."""
        for month, value in self.by_month.items():
            first = date.fromisoformat(f"{month}-01")
            yield Figure(
                name=self.name,
                value=value,
                unit=self.unit,
                source=self.source,
                first=first,
                last_day=month_of(first).last_day,
                utility=self.utility,
            )


class NamedDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day that decides something, such as the last on which a programme took applications."""

    name: str
    day: datetime.date
    source: str
    utility: str = ANYWHERE


class ProgrammeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    source: str
    option: tuple[Option, ...] = ()
    figure: tuple[Figure, ...] = ()
    series: tuple[Series, ...] = ()
    """Once read its months are among `figure`."""
    named_day: tuple[NamedDay, ...] = ()
    utility_names: Mapping[str, str] = {}
    """How tariffs call a utility, by how accounts do."""
    uses: tuple[str, ...] = ()
    """Files beside this one whose figures and options it has too."""
    time_of_use: bool = False
    """Whether a tariff with one price for all hours is refused."""
    opening: tuple[str, ...] = ()
    """What it takes over of the figures that an account's [opening] may state."""
    bank: tuple[str, ...] = ()
    """The banks that it takes over; `kwh.*` is one for each bucket."""
    opening_paid: tuple[str, ...] = ()
    """Of which charges it takes over what was paid in cash in the running year; all of them, or none."""
    opening_earned: tuple[str, ...] = ()
    """Of which banks it takes over what they earned in it, likewise."""
    cashout: tuple[CashoutRule, ...] = ()
    """What another supplier's year comes to, one rule after the other."""
    not_included: tuple[str, ...] = ()
    """What such a bill has and this program does not model: each becomes a named line without an amount."""

    def choice(self, name: str, utility: str, given: Mapping[str, str], customer_class: str = "") -> str:
        """What holds for an account: its own choice, else the default of its utility, its class, everybody."""
        option = next(one for one in self.option if one.name == name)
        default = option.by_class.get(customer_class, option.default)
        return given.get(name, option.by_utility.get(utility, default))

    @property
    def utilities(self) -> frozenset[str]:
        """Those of which it knows defaults, figures or days."""
        named = {one.utility for one in self.figure} | {one.utility for one in self.named_day}
        return frozenset(named.union(*(one.by_utility for one in self.option)) - {ANYWHERE})

    def has_option(self, name: str) -> bool:
        return any(one.name == name for one in self.option)

    def has_bank(self, name: str) -> bool:
        """Whether it takes over what a bank of that name holds."""
        stems = [one.removesuffix(EACH).removesuffix(EACH_PERIOD) for one in self.bank]
        return any(
            name == one or (one != stem and name.startswith(f"{stem}."))
            for one, stem in zip(self.bank, stems, strict=True)
        )

    def day(self, name: str, utility: str) -> NamedDay | None:
        """A day by name; the utility's own before everybody's. None: there is none."""
        named = {one.utility: one for one in self.named_day if one.name == name}
        return named.get(utility, named.get(ANYWHERE))

    def figure_on(self, name: str, utility: str, day: date) -> Figure:
        """The figure in force on a local day; the utility's own before everybody's. Raises NotKnownError."""
        for whose in dict.fromkeys((utility, ANYWHERE)):
            named = [one for one in self.figure if one.name == name and one.utility == whose and one.first <= day]
            if named:
                newest = max(named, key=lambda one: one.first)
                if newest.last_day is None or day <= newest.last_day:
                    return newest
        raise NotKnownError(f"programme {self.id}: no {name} is known for {utility} on {day}")


def shipped_programmes() -> tuple[str, ...]:
    """Names of the programmes that come with the program."""
    return tuple(sorted(_by_name()))


@cache
def load_programme(name: str) -> ProgrammeFile:
    """A programme's file by name. Raises ProgrammeError with every mistake and its line."""
    known = _by_name()
    if name not in known:
        mend = did_you_mean(name, sorted(known)) or "one of " + ", ".join(sorted(known))
        raise ProgrammeError([Problem("", 0, "", "programme", name, f'there is no programme "{name}"', mend)])
    document = read_document(known[name])
    found = Converter(document).struct(ProgrammeFile) if document.readable else None
    if found is not None:
        found = _with_series(document, found)
        _check(document, found, name)
    problems = errors_of(document.problems)
    if problems or found is None:
        raise ProgrammeError(problems)
    others = [load_programme(one) for one in found.uses]
    return msgspec.structs.replace(
        found,
        figure=(*found.figure, *(one for other in others for one in other.figure)),
        option=(*found.option, *(one for other in others for one in other.option)),
        utility_names={
            **found.utility_names,
            **{key: name for other in others for key, name in other.utility_names.items()},
        },
        not_included=(*found.not_included, *(one for other in others for one in other.not_included)),
    )


def check_choices(
    document: Document, path: tuple[str | int, ...], file: ProgrammeFile, given: Mapping[str, str]
) -> None:
    """Notes choices of an account that the programme does not have."""
    options = {one.name: one for one in file.option}
    for name, value in given.items():
        option = options.get(name)
        if option is None:
            whose = [one for one in shipped_programmes() if load_programme(one).has_option(name)]
            near = did_you_mean(name, sorted(options)) or "it has " + (", ".join(sorted(options)) or "none")
            mend = f"it is one of {', '.join(whose)}: leave it out, or see the programme's name" if whose else near
            document.add((*path, name), f"programme {file.id} has no option {name}", mend, value=value)
        elif option.values and value not in option.values:
            document.add((*path, name), f"{name} cannot be {value}", "one of " + ", ".join(option.values), value=value)


def _check(document: Document, file: ProgrammeFile, name: str) -> None:
    if file.id != name:
        document.add(("id",), f'id "{file.id}" is not the name of the file')
    for position, option in enumerate(file.option):
        for value in (option.default, *option.by_utility.values(), *option.by_class.values()):
            if option.values and value not in option.values:
                document.add(("option", position), f"{value} is none of the values of {option.name}", value=value)
    seen: set[tuple[str, str, date]] = set()
    for position, figure in enumerate(file.figure):
        key = figure.name, figure.utility, figure.first
        if key in seen:
            document.add(("figure", position), f"{figure.name} has two values from {figure.first} on")
        seen.add(key)
        if figure.last_day is not None and figure.last_day < figure.first:
            document.add(("figure", position, "last_day"), "ends before it begins", value=figure.last_day)


def _with_series(document: Document, file: ProgrammeFile) -> ProgrammeFile:
    figures = list(file.figure)
    for position, series in enumerate(file.series):
        try:
            figures.extend(series.figures())
        except ValueError:
            document.add(("series", position, "by_month"), "its keys are months, such as 2026-08")
    return msgspec.structs.replace(file, figure=tuple(figures), series=())


def _by_name() -> dict[str, Path]:
    return files_by_name(data_folders("config/programmes"))
