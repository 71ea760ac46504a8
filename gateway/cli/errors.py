"""How a command ends when a person made a mistake: a message that says where, what and what to do. Never a traceback.

Exit codes of all commands: 0 it worked; 1 it did not, and the message says why; 2 the command line is wrong. A
command with more of them says so in its own help.
"""

from pathlib import Path
from typing import NoReturn

import click

from ..config.problem import ProblemsError
from ..config.types import Config
from ..places import PlaceError, find_config
from ..tariff.calendar import Calendar
from ..tariff.tariff_file import load_tariff

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

MISTAKES = (ProblemsError, PlaceError)
"""What is a person's to mend, wherever in a command it comes up."""

# Whether a file can be read is told by whoever reads it, with what to do: click would call it a usage error.
any_path = click.Path(path_type=Path, readable=False)
config_option = click.option(
    "--config",
    "config_path",
    metavar="PATH",
    type=any_path,
    help="gateway.toml; default: that of the user or the machine.",
)


class Failure(click.ClickException):
    """Ends the command with exit code 1 and a message on standard error."""

    exit_code = EXIT_FAILED


def fail(message: str) -> NoReturn:
    """Ends the command with exit code 1."""
    raise Failure(message)


def chosen_config(named: Path | None) -> Path:
    """The config file that was named, else the first in the usual places; Failure lists them."""
    if named is not None:
        return named
    try:
        return find_config()
    except PlaceError as error:
        fail(str(error))


def config_of(path: Path) -> Config:
    """The config in `path`; Failure with every mistake."""
    from ..config.load import load_config  # and with it all that a command without a config needs nothing of

    try:
        return load_config(path)
    except ProblemsError as error:
        fail(told(error))


def calendar_of(tariff: str) -> Calendar:
    """The calendar of a tariff by name or path; Failure with every mistake."""
    try:
        return Calendar(load_tariff(tariff))
    except ProblemsError as error:
        fail(told(error))


def told(error: Exception) -> str:
    """An error of `MISTAKES` as a message: how many there are, then each on its line."""
    count = len(error.problems) if isinstance(error, ProblemsError) else 1
    return f"{error}" if count == 1 else f"{count} mistakes\n{error}"
