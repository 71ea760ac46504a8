"""Reads config/tariffs/*.toml into a checked `Tariff`. A wrong file is a `TariffError` with every mistake and its line.

The schema is `types`; the rules across keys are in `checks`. Never sums, rounds or guesses a price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.toml_lines import line_of

from ..config.convert import Converter
from ..config.document import Document, read_document
from ..config.hints import did_you_mean
from ..config.problem import Problem, ProblemsError, TomlPath, errors_of
from ..places import data_folders, files_by_name
from .checks import check_tariff, check_top, check_years
from .history import History, check_history, joined
from .holiday_lists import HolidayList, with_lists
from .types import Period, Tariff, Version

HISTORY_KEY = "schedule"
"""A file with this key names tariffs and is none itself."""


class TariffError(ProblemsError):
    """A tariff cannot be used, or there is none of that name."""


@dataclass(frozen=True, slots=True)
class TariffFile:
    """A tariff with the file it stands in: for those who tell a person which line decides."""

    tariff: Tariff
    document: Document
    lists: tuple[HolidayList, ...]
    """The lists of holidays that it names."""

    origins: "tuple[tuple[TariffFile, Version], ...]" = ()
    """Of a history: where each version stands. Empty for a tariff of one file."""

    def place_of_period(self, version: Version, period: Period) -> str:
        """`FILE:LINE` of a [[period]] that holds in `version`."""
        position = self.tariff.version.index(version)
        number = next(at for at, one in enumerate(self.tariff.periods_of(version)) if one is period)
        if self.origins:
            origin, own = self.origins[position]
            return origin.place_of_period(own, origin.tariff.periods_of(own)[number])
        path: TomlPath = ("version", position) if version.period else ()
        return f"{self.document.file}:{line_of(self.document.lines, (*path, 'period', number))}"


def shipped_tariffs() -> tuple[str, ...]:
    """Names of the tariffs that come with the program."""
    return tuple(sorted(files_by_name(data_folders("config/tariffs"))))


def is_path(name_or_path: str) -> bool:
    """Whether a person means a file (a slash or `.toml` in it) rather than a shipped name."""
    return "/" in name_or_path or name_or_path.endswith(".toml")


def load_tariff(name_or_path: str, search: Sequence[Path] = ()) -> Tariff:
    """A shipped tariff by name, one of the `search` folders' by name, or a file by path. Raises TariffError."""
    return read_tariff(name_or_path, search).tariff


def read_tariff(name_or_path: str, search: Sequence[Path] = ()) -> TariffFile:
    """The same with its file. Raises TariffError."""
    document = read_document(find_tariff(name_or_path, search))
    return _read_history(document, search) if HISTORY_KEY in document.table else _read_one(document)


def _read_one(document: Document) -> TariffFile:
    tariff: Tariff | None = None
    lists: tuple[HolidayList, ...] = ()
    if document.readable:
        converter = Converter(document)
        tariff = converter.struct(Tariff)
        check_tariff(document, converter, tariff)
        if tariff is not None:
            tariff, lists = with_lists(document, tariff)
    _raise_errors(document)
    assert tariff is not None
    return TariffFile(tariff, document, lists)


def _read_history(document: Document, search: Sequence[Path]) -> TariffFile:
    """A file that names several tariffs, as one tariff."""
    converter = Converter(document)
    history = converter.struct(History)
    check_top(document, converter.tables[()].text("id"), None)
    if history is not None and not history.schedule:
        document.add((HISTORY_KEY,), "there is no [[schedule]]", "each names a tariff and the day from which it holds")
    for at, stint in enumerate(() if history is None else history.schedule):
        check_years(document, (HISTORY_KEY, at, "from"), stint.first, "it is the first day on which the tariff holds")
    _raise_errors(document)
    assert history is not None
    files = [_read_stint(document, at, stint.tariff, search) for at, stint in enumerate(history.schedule)]
    _raise_errors(document)
    read = [one for one in files if one is not None]
    tariffs = [one.tariff for one in read]
    check_history(document, history, tariffs)
    _raise_errors(document)
    tariff, origins = joined(history, tariffs)
    if not tariff.version:
        document.add((HISTORY_KEY,), "none of these tariffs holds on any of these days", "correct the dates")
    _raise_errors(document)
    lists = tuple(dict.fromkeys(one for file in read for one in file.lists))
    return TariffFile(tariff, document, lists, tuple((read[one.stint], one.version) for one in origins))


def _read_stint(document: Document, position: int, name: str, search: Sequence[Path]) -> TariffFile | None:
    """The tariff of one [[schedule]]; None where its mistakes, or that it is none, have been noted."""
    path = (HISTORY_KEY, position, "tariff")
    try:
        found = document.folder / name if is_path(name) else find_tariff(name, search)
        named = read_document(found)
        if HISTORY_KEY not in named.table:
            return _read_one(named)
        document.add(path, f"{name} is a history itself", "name the tariffs that it names", value=name)
    except TariffError as error:
        for one in error.problems:
            if one.line:
                document.problems.append(one)
            else:
                document.add(path, f"{one.file} {one.message}".strip(), one.mend, value=name)
    return None


def _raise_errors(document: Document) -> None:
    problems = errors_of(document.problems)
    if problems or not document.readable:
        raise TariffError(sorted(problems, key=lambda problem: problem.line))


def find_tariff(name_or_path: str, search: Sequence[Path] = ()) -> Path:
    """The file that holds a tariff. Raises TariffError for a name that does not exist."""
    if is_path(name_or_path):
        return Path(name_or_path)
    known = files_by_name((*search, *data_folders("config/tariffs")))
    if name_or_path in known:
        return known[name_or_path]
    message = f'there is no tariff "{name_or_path}"'
    mend = did_you_mean(name_or_path, sorted(known)) or "give the path of a tariff file"
    raise TariffError([Problem("", 0, "", "tariff", name_or_path, message, mend)])
