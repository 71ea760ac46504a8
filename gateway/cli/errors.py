"""How a command ends when a person made a mistake: a message that says where, what and what to do. Never a traceback.

Exit codes of all commands: 0 it worked; 1 it did not, and the message says why; 2 the command line is wrong.
"""

from pathlib import Path
from typing import NoReturn

import click

from ..config.load import load_config
from ..config.problem import ProblemsError
from ..config.types import Config
from ..places import PlaceError, find_config
from ..tariff.calendar import Calendar
from ..tariff.tariff_file import load_tariff

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

config_option = click.option(
    "--config",
    "config_path",
    metavar="PATH",
    type=click.Path(path_type=Path),
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
    try:
        return load_config(path)
    except ProblemsError as error:
        fail(_told(error))


def calendar_of(tariff: str) -> Calendar:
    """The calendar of a tariff by name or path; Failure with every mistake."""
    try:
        return Calendar(load_tariff(tariff))
    except ProblemsError as error:
        fail(_told(error))


def _told(error: ProblemsError) -> str:
    count = len(error.problems)
    return f"{error}" if count == 1 else f"{count} mistakes\n{error}"
