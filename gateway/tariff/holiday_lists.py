"""Lists of holidays by name (config/holidays/*.toml), and what a [[holiday]] must fulfil, in a list or in a tariff.

A tariff names a list (`holidays = "pge-tou"`) and may add days of its own. Never guesses where a holiday goes that
falls on a weekend: what a utility does not say stands in the list as an open question.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ..config.convert import Converter, Fields
from ..config.document import Document, read_document
from ..config.hints import did_you_mean
from ..config.problem import ProblemsError, TomlPath, errors_of
from ..places import data_folders, files_by_name
from .dates import parse_rule
from .types import Holiday, Observance, Tariff, Version

RULES = '"07-04", "third mon of feb", "last mon of may", "fri on or before 12-24", "easter - 2", each with " + 1"'


class HolidayError(ProblemsError):
    """A list of holidays cannot be used."""


class HolidayList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: the holidays of one utility's time-of-use schedules."""

    format: Annotated[int, Meta(ge=1, le=1)]
    id: str
    name: str
    source: str
    holiday: tuple[Holiday, ...]
    open: tuple[str, ...] = ()
    """Questions that the source leaves open, and what the list does meanwhile."""


def shipped_lists() -> tuple[str, ...]:
    """Names of the lists that come with the program."""
    return tuple(sorted(_by_name()))


@cache
def load_list(name: str) -> HolidayList:
    """A list by name. Raises HolidayError, KeyError for a name that does not exist."""
    document = read_document(_by_name()[name])
    found: HolidayList | None = None
    if document.readable:
        converter = Converter(document)
        found = converter.struct(HolidayList)
        for path, fields in converter.tables.items():
            if path and path[0] == "holiday":
                check_holiday(document, path, fields)
        if found is not None and found.id != name:
            document.add(("id",), f'id "{found.id}" is not the name of the file')
    problems = errors_of(document.problems)
    if problems or found is None:
        raise HolidayError(problems)
    return found


def check_holiday(document: Document, path: TomlPath, fields: Fields) -> None:
    """Notes what is wrong with one [[holiday]]."""
    given = [key for key in ("date", "on") if key in fields.given]
    if len(given) != 1:
        message = "needs one of date and on" if not given else "has both date and on"
        document.add(path, message, "date = 2026-07-03 is one day, on = " + RULES.split(",")[0] + " one of every year")
    rule = fields.text("on")
    if "on" in given and rule is not None:
        _check_rule(document, path, rule, fields)
    if "date" in given and fields.values.get("observed") not in (None, Observance.NONE):
        document.add((*path, "observed"), "a single date is observed on itself", "leave observed out")
    if fields.flag("keep_day") and fields.values.get("observed") in (None, Observance.NONE):
        document.add((*path, "keep_day"), "nothing is observed on another day", "leave keep_day out")
    first, last = fields.number("first_year"), fields.number("last_year")
    if first is not None and last is not None and last < first:
        document.add((*path, "last_year"), f"last_year {last} is before first_year {first}")


def with_lists(document: Document, tariff: Tariff) -> tuple[Tariff, tuple[HolidayList, ...]]:
    """The tariff with the holidays of the lists it names, and those lists. Notes what is wrong with them."""
    named = [found for path in _named(tariff) if (found := _list_at(document, tariff, path)) is not None]
    by_id = {one.id: one for one in named}
    versions = tuple(_with_list(one, by_id) for one in tariff.version)
    holidays = _joined(by_id.get(tariff.holidays), tariff.holiday)
    return msgspec.structs.replace(tariff, holiday=holidays, version=versions), tuple(by_id.values())


def _with_list(version: Version, lists: dict[str, HolidayList]) -> Version:
    if not version.holidays:
        return version
    return msgspec.structs.replace(version, holiday=_joined(lists.get(version.holidays), version.holiday or ()))


def _joined(named: HolidayList | None, own: Sequence[Holiday]) -> tuple[Holiday, ...]:
    return (*(named.holiday if named is not None else ()), *own)


def _named(tariff: Tariff) -> list[TomlPath]:
    """Where the tariff names a list."""
    places: list[TomlPath] = [("holidays",)] if tariff.holidays else []
    return places + [("version", at, "holidays") for at, one in enumerate(tariff.version) if one.holidays]


def _list_at(document: Document, tariff: Tariff, path: TomlPath) -> HolidayList | None:
    position = path[1] if len(path) > 1 else None
    name = tariff.version[position].holidays if isinstance(position, int) else tariff.holidays
    if name not in shipped_lists():
        mend = did_you_mean(name, shipped_lists())
        document.add(path, f'there is no list of holidays "{name}"', mend, value=name)
        return None
    try:
        return load_list(name)
    except HolidayError as error:
        document.problems.extend(error.problems)
        return None


def _check_rule(document: Document, path: TomlPath, text: str, fields: Fields) -> None:
    try:
        rule = parse_rule(text)
    except ValueError as error:
        document.add((*path, "on"), str(error), "rules are " + RULES, value=text)
        return
    if rule.is_fixed and "observed" not in fields.given and "observed" not in fields.meant:
        choices = ", ".join(f'"{one.value}"' for one in Observance)
        message = f'{text} falls on a weekend in some years: "observed" is missing'
        document.add((*path, "on"), message, f"say where it goes: {choices}", value=text)


def _by_name() -> dict[str, Path]:
    return files_by_name(data_folders("config/holidays"))
