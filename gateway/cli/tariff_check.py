"""`netmeter tariff check`: mistakes in a tariff file, and what in it is hardly meant.

Only reads tariff files and asks for no time: the same file has the same findings every day.
"""

import json
from pathlib import Path

import click

from ..config.problem import Problem, ProblemsError, Severity
from ..tariff.coverage import coverage
from ..tariff.tariff_file import TariffFile
from .errors import EXIT_FAILED, config_option
from .tariff_choice import chosen_tariff

EXIT_WARNED = 3


@click.command()
@click.argument("name", metavar="[TARIFF]", required=False)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(name: str | None, config_path: Path | None, as_json: bool) -> None:
    """Tell mistakes in a tariff file, then what is hardly meant: hours that no rule covers or two claim, rules that
    never decide, versions that overlap, leave days out or end with no successor, holidays whose list runs out.

    TARIFF is the name of a tariff that ships with the program or the path of a tariff file; without it, the
    config's. Of periods that fit the same hour the first in the file decides; one that lies wholly inside a later
    one is only noted.

    \b
    Example:
      netmeter tariff check ./my-tariff.toml
      netmeter tariff check pge-e-tou-c --json

    \b
    Exit codes:
      0  nothing to warn of
      1  the tariff or the config cannot be used: the mistakes are listed
      2  the command line is wrong
      3  the tariff can be used, with the warnings listed
    """
    try:
        file = chosen_tariff(name, config_path, explain=not as_json)
    except ProblemsError as error:
        click.echo(json.dumps(_as_json(None, error.problems), indent=2))
        raise SystemExit(EXIT_FAILED) from error
    problems = coverage(file)
    if as_json:
        click.echo(json.dumps(_as_json(file, problems), indent=2))
    else:
        _print(file, problems)
    if _count(problems, Severity.WARNING):
        raise SystemExit(EXIT_WARNED)


def _print(file: TariffFile, problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        click.echo(str(problem), err=problem.severity is Severity.WARNING)
    versions = len(file.tariff.version)
    warnings = _count(problems, Severity.WARNING)
    told = f"{warnings} warning{'' if warnings == 1 else 's'}" if warnings else "nothing to warn of"
    click.echo(f"{file.document.file}: {versions} version{'' if versions == 1 else 's'}, {told}")


def _count(problems: tuple[Problem, ...], severity: Severity) -> int:
    return sum(problem.severity is severity for problem in problems)


def _as_json(file: TariffFile | None, problems: tuple[Problem, ...]) -> dict[str, object]:
    return {
        "tariff": None if file is None else file.tariff.id,
        "file": None if file is None else file.document.file,
        "usable": file is not None,
        "warnings": _count(problems, Severity.WARNING),
        "versions": []
        if file is None
        else [
            {"effective": one.id, "last_day": None if one.last_day is None else one.last_day.isoformat()}
            for one in file.tariff.version
        ],
        "problems": [problem.as_json() for problem in problems],
    }
