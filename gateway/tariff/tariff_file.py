"""Reads config/tariffs/*.toml into a checked `Tariff`. A wrong file is a `TariffError` with every mistake and its line.

The schema is `types`; the rules across keys are in `checks`. Never sums, rounds or guesses a price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config.convert import Converter
from ..config.document import Document, read_document
from ..config.hints import did_you_mean
from ..config.lines import line_of
from ..config.problem import Problem, ProblemsError, TomlPath, errors_of
from ..places import data_folders
from .checks import check_tariff
from .holiday_lists import HolidayList, with_lists
from .types import Period, Tariff, Version


class TariffError(ProblemsError):
    """A tariff cannot be used, or there is none of that name."""


@dataclass(frozen=True, slots=True)
class TariffFile:
    """A tariff with the file it stands in: for those who tell a person which line decides."""

    tariff: Tariff
    document: Document
    lists: tuple[HolidayList, ...]
    """The lists of holidays that it names."""

    def line_of_period(self, version: Version, period: Period) -> int:
        """On which line a [[period]] that holds in `version` stands."""
        path: TomlPath = ("version", self.tariff.version.index(version)) if version.period else ()
        position = next(at for at, one in enumerate(self.tariff.periods_of(version)) if one is period)
        return line_of(self.document.lines, (*path, "period", position))


def shipped_tariffs() -> tuple[str, ...]:
    """Names of the tariffs that come with the program."""
    return tuple(sorted(_by_name(data_folders("config/tariffs"))))


def is_path(name_or_path: str) -> bool:
    """Whether a person means a file (a slash or `.toml` in it) rather than a shipped name."""
    return "/" in name_or_path or name_or_path.endswith(".toml")


def load_tariff(name_or_path: str, search: Sequence[Path] = ()) -> Tariff:
    """A shipped tariff by name, one of the `search` folders' by name, or a file by path. Raises TariffError."""
    return read_tariff(name_or_path, search).tariff


def read_tariff(name_or_path: str, search: Sequence[Path] = ()) -> TariffFile:
    """The same with its file. Raises TariffError."""
    path = find_tariff(name_or_path, search)
    document = read_document(path)
    tariff: Tariff | None = None
    lists: tuple[HolidayList, ...] = ()
    if document.readable:
        converter = Converter(document)
        tariff = converter.struct(Tariff)
        check_tariff(document, converter, tariff)
        if tariff is not None:
            tariff, lists = with_lists(document, tariff)
    problems = errors_of(document.problems)
    if problems or tariff is None:
        raise TariffError(sorted(problems, key=lambda problem: problem.line))
    return TariffFile(tariff, document, lists)


def find_tariff(name_or_path: str, search: Sequence[Path] = ()) -> Path:
    """The file that holds a tariff. Raises TariffError for a name that does not exist."""
    if is_path(name_or_path):
        return Path(name_or_path)
    known = _by_name((*search, *data_folders("config/tariffs")))
    if name_or_path in known:
        return known[name_or_path]
    message = f'there is no tariff "{name_or_path}"'
    mend = did_you_mean(name_or_path, sorted(known)) or "give the path of a tariff file"
    raise TariffError([Problem("", 0, "", "tariff", name_or_path, message, mend)])


def _by_name(folders: Sequence[Path]) -> dict[str, Path]:
    """Tariff files by name; of two with one name the earlier folder's."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found
