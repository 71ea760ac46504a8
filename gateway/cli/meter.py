"""`netmeter meter replace`: the operator's word on an exchange of meters, to the running gateway or into its store.

Only the daemon writes the store while it runs; without one the store is opened here, under its lock.
"""

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from ..config.types import Config, MeterSection
from ..registers.exchange import MOST_MILLIWH
from ..tariff.walltime import parse_time
from .daemon import ask_daemon
from .errors import EXIT_FAILED, calendar_of, chosen_config, config_of, config_option, fail
from .text import kwh


class _WattHours(click.ParamType[int]):
    """Watt-hours with up to three decimals, as milliwatt-hours."""

    name = "Wh"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            milliwh = Decimal(str(value)) * 1000
        except InvalidOperation:
            self.fail(f"{value!r} is no number of watt-hours, like 5003456 or 5003456.5", param, ctx)
        if not milliwh.is_finite() or milliwh % 1 or not 0 <= milliwh <= MOST_MILLIWH:
            self.fail(f"{value!r}: from 0 to 1 000 000 000 000 Wh, with three decimals at most", param, ctx)
        return int(milliwh)


WH = _WattHours()


@click.group()
def meter() -> None:
    """Tell the gateway what only people know of a meter.

    \b
    Example:
      netmeter meter replace grid --closing-import-wh 31415926 --opening-import-wh 0

    Exit codes stand with each command.
    """


@meter.command()
@click.argument("name", metavar="METER")
@click.option("--closing-import-wh", type=WH, help="What the old meter showed at the end, import.")
@click.option("--closing-export-wh", type=WH, help="... export.")
@click.option("--opening-import-wh", type=WH, help="What the new meter showed at its beginning, import.")
@click.option("--opening-export-wh", type=WH, help="... export.")
@click.option("--at", "at_text", metavar="TIME", help="When; default: since the last reading of the old meter.")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replace(name: str, at_text: str | None, config_path: Path | None, as_json: bool, **wh: int | None) -> None:
    """State the registers of an exchange: what the old METER showed at the end, the new one at its beginning. Then
    nothing between the last reading of the old meter and the first of the new one is lost.

    It may be said before the new meter is read, or after the gateway has noticed it by itself. It is held against the
    readings and against what the service can carry, and refused where it contradicts them; said twice it is booked
    once. The registers are watt-hours, as the meters' displays show them (kWh x 1000), for each direction that the
    meter has. TIME is ISO 8601; without an offset or Z it is the tariff's local time. It need not be more exact than
    a minute.

    \b
    Example:
      netmeter meter replace grid --closing-import-wh 31415926 --closing-export-wh 2718281 \\
          --opening-import-wh 0 --opening-export-wh 0 --at 2026-07-01T10:30

    \b
    Exit codes:
      0  booked, now or before
      1  refused, or it cannot be stored: the message says why
      2  the command line is wrong
    """
    path = chosen_config(config_path)
    config = config_of(path)
    section = next((one for one in config.meter if one.name == name), None)
    if section is None:
        known = ", ".join(one.name for one in config.meter)
        raise click.UsageError(f"no meter {name} in the config; known: {known}")
    statement = _statement(section, wh, _at(config, at_text))
    answer = ask_daemon(config, {"command": "meter_replace", "statement": statement})
    if answer is None:
        answer = {**_book_here(config, path.resolve().parent, section, statement), "through": "the store"}
    else:
        answer = {**answer, "through": "the running gateway"}
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    elif not answer.get("error"):
        _print(answer)
    if answer.get("error"):
        if as_json:
            raise SystemExit(EXIT_FAILED)
        fail(f"{name}: {answer['error']}")


def _statement(section: MeterSection, wh: dict[str, int | None], at_us: int | None) -> dict[str, Any]:
    """As the account counts: a display behind transformers is multiplied by the meter's ratio."""
    given: dict[str, Any] = {"meter": section.name, "at_us": at_us}
    for end in ("closing", "opening"):
        both = {direction: wh[f"{end}_{direction}_wh"] for direction in ("import", "export")}
        ratio = section.whole_ratio  # floored, as a reading is
        given[f"{end}_milliwh"] = {direction: int(one * ratio) for direction, one in both.items() if one is not None}
    for direction in ("import", "export"):
        ends = [end for end in ("closing", "opening") if direction in given[f"{end}_milliwh"]]
        if len(ends) == 1:
            missing = "opening" if ends == ["closing"] else "closing"
            raise click.UsageError(f"--{ends[0]}-{direction}-wh needs --{missing}-{direction}-wh beside it")
    if not given["closing_milliwh"]:
        raise click.UsageError("state --closing-import-wh and --opening-import-wh, and the same of export")
    return given


def _at(config: Config, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text, calendar_of(config.accounting.tariff).zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error


def _book_here(config: Config, folder: Path, section: MeterSection, statement: dict[str, Any]) -> dict[str, Any]:
    """No gateway runs: open its store and book there."""
    from drivers import DriverError

    from ..daemon.exchange_desk import ExchangeError, book_in_store

    try:
        return book_in_store(config, folder, section, statement, calendar_of(config.accounting.tariff))
    except (ExchangeError, DriverError) as error:
        return {"error": str(error)}


def _print(answer: dict[str, Any]) -> None:
    if answer["outcome"] == "known":
        click.echo(f"{answer['meter']}: this was said before and is booked (register epoch {answer['register_epoch']})")
        return
    click.echo(f"{answer['meter']}: booked through {answer['through']}, register epoch {answer['register_epoch']}")
    for direction, milliwh in answer["booked_milliwh"].items():
        click.echo(f"  {direction:<8} {kwh(milliwh)} that no reading had shown")
    if answer.get("warning"):
        click.echo(f"! {answer['warning']}", err=True)
