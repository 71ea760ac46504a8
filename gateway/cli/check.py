"""`netmeter check`: every mistake of a config at once, then what the config costs on wire and disk.

Opens no port and asks no broker; reads the config, the files it names, and whether its ports exist.
"""

import json
from pathlib import Path

import click

from ..config.budget import Budget, estimate
from ..config.load import Examined, examine
from ..config.problem import Problem, Severity, errors_of
from ..config.types import Config
from ..config.way import way_of
from ..places import PlaceError, socket_path, store_path
from ..tariff.coverage import coverage
from ..tariff.tariff_file import read_tariff
from .errors import EXIT_FAILED, any_path, calendar_of, chosen_config, config_option


@click.command()
@click.argument("config", required=False, type=any_path)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(config: Path | None, config_path: Path | None, as_json: bool) -> None:
    """Tell every mistake in CONFIG with file, line, value and what to do about it; then the MB a month on the
    wire and the GB a year on disk that it means.

    \b
    Example:
      netmeter check gateway.toml
      netmeter check --config /etc/netmeter-gateway/gateway.toml --json

    \b
    Exit codes:
      0  the config can be used (there may be warnings)
      1  it cannot: the mistakes are listed
      2  the command line is wrong
    """
    if config is not None and config_path is not None:
        raise click.UsageError("name the config once: CONFIG or --config")
    path = chosen_config(config or config_path)
    examined = examine(path, ports=True)
    examined = Examined(examined.config, (*examined.problems, *_place_problems(path, examined.config)))
    examined = Examined(examined.config, (*examined.problems, *_tariff_warnings(examined.config)))
    budget = None if examined.config is None else _budget(examined.config)
    failed = bool(errors_of(examined.problems))
    if as_json:
        click.echo(json.dumps(_as_json(path, examined, budget), indent=2))
    else:
        _print(path, examined, budget)
    if failed:
        raise SystemExit(EXIT_FAILED)


def _place_problems(path: Path, config: Config | None) -> tuple[Problem, ...]:
    """The store and the socket must have a place."""
    if config is None:
        return ()
    problems = []
    for place in (store_path, socket_path):
        try:
            place(config)
        except PlaceError as error:
            problems.append(Problem(str(path), 0, "", "", None, str(error)))
    return tuple(problems)


def _tariff_warnings(config: Config | None) -> tuple[Problem, ...]:
    """What `netmeter tariff check` warns of in the config's tariff."""
    if config is None:
        return ()
    found = coverage(read_tariff(config.accounting.tariff))
    return tuple(problem for problem in found if problem.severity is Severity.WARNING)


def _budget(config: Config) -> Budget:
    return estimate(config, buckets=len(calendar_of(config.accounting.tariff).bucket_names) - 1)


def _print(path: Path, examined: Examined, budget: Budget | None) -> None:
    for problem in examined.problems:
        click.echo(str(problem), err=True)
    errors = len(errors_of(examined.problems))
    if errors:
        click.echo(f"{path}: {errors} mistake{'s' if errors > 1 else ''}", err=True)
        return
    assert examined.config is not None
    assert budget is not None
    warnings = sum(problem.severity is Severity.WARNING for problem in examined.problems)
    noted = f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    click.echo(f"{path}: can be used{noted}")
    for meter in examined.config.meter:
        way = meter.port or way_of(meter).name
        limit_kw = f"{meter.limit_milliw / 1_000_000:.1f}"
        click.echo(f"  meter {meter.name}: {meter.profile}, unit {meter.unit} at {way}, at most {limit_kw} kW")
    click.echo(f"  tariff {examined.config.accounting.tariff}: {budget.buckets} buckets")
    click.echo(f"  store {store_path(examined.config)}")
    for line in budget.lines():
        click.echo(f"  {line}")


def _as_json(path: Path, examined: Examined, budget: Budget | None) -> dict[str, object]:
    return {
        "config": str(path),
        "usable": not errors_of(examined.problems),
        "problems": [problem.as_json() for problem in examined.problems],
        "budget": None
        if budget is None
        else {
            "meters": budget.meters,
            "buckets": budget.buckets,
            "states_a_day": budget.states_a_day,
            "intervals_a_day": budget.intervals_a_day,
            "readings_a_day": budget.readings_a_day,
            "wire_bytes_a_month": budget.wire_bytes_a_month,
            "disk_bytes_first_year": budget.disk_bytes_first_year,
            "disk_bytes_each_later_year": budget.disk_bytes_each_later_year,
        },
    }
