"""One mistake in a file that a person wrote: where it is, what is wrong, and what to do about it.

A problem is data; nothing here reads files or prints. Values of unknown keys are never kept, because
a key that nobody knows may hold a password.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

TomlPath = tuple[str | int, ...]
"""Where a value stands in a document: table and key names, and positions (from 0) in arrays."""


class Severity(enum.Enum):
    """Whether the program can work with the file as it is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    """Worth knowing, and most likely meant."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `line` counts from 1; 0 where no line is meant (the file itself is the trouble)."""

    file: str
    line: int
    where: str
    """The table, as the person wrote it: `[[meter]] grid`."""
    key: str
    value: str | None
    message: str
    mend: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        severity = "" if self.severity is Severity.ERROR else self.severity.value
        return ": ".join(part for part in (place, severity, self.where, self.message, self.mend) if part)

    def as_json(self) -> dict[str, str | int | None]:
        """The same as a flat JSON object."""
        return {
            "file": self.file,
            "line": self.line,
            "where": self.where,
            "key": self.key,
            "value": self.value,
            "message": self.message,
            "mend": self.mend,
            "severity": self.severity.value,
        }


class ProblemsError(Exception):
    """A file cannot be used; `problems` holds every mistake found, in the order of the lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigError(ProblemsError):
    """gateway.toml, or a file that it names, cannot be used."""


def errors_of(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those that stop the program."""
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)
