"""`netmeter tariff show`: which bucket holds when, why, and what a kilowatt-hour costs in it.

The group `tariff` stands here too; `check` and `import-urdb` have files of their own. Only reads tariff files; no
daemon, no store.
"""

import json
from pathlib import Path

import click

from ..clock import SystemClock
from ..tariff.calendar import Calendar
from ..tariff.show import Days, Moment, Row, days_between, moment_at, rows_between
from ..tariff.show_prices import besides, besides_json
from ..tariff.tariff_file import TariffFile
from ..tariff.walltime import iso_local, iso_utc, parse_time, written_twice
from .errors import config_option
from .tariff_check import check
from .tariff_choice import chosen_tariff
from .tariff_import import import_urdb

MOST_DAYS = 3660
DAY_US = 86_400_000_000


@click.group()
def tariff() -> None:
    """Show which price bucket holds when, and why; tell what is hardly meant in a tariff file; import one from URDB.

    \b
    Example:
      netmeter tariff show pge-e-tou-c --at 2026-07-01T17:00
      netmeter tariff check ./my-tariff.toml

    Exit codes stand with each command.
    """


tariff.add_command(import_urdb)


@tariff.command()
@click.argument("name", metavar="[TARIFF]", required=False)
@config_option
@click.option("--at", "at_text", metavar="TIME", help="The moment to show; default: now.")
@click.option("--from", "from_text", metavar="TIME", help="Show a stretch of time, from here ...")
@click.option("--to", "to_text", metavar="TIME", help="... to here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(
    name: str | None,
    config_path: Path | None,
    at_text: str | None,
    from_text: str | None,
    to_text: str | None,
    as_json: bool,
) -> None:
    """Show the bucket at one moment with its reason and its price by component, or all buckets of a stretch.

    TARIFF is the name of a tariff that ships with the program or the path of a tariff file; without it, the
    config's. TIME is ISO 8601; without an offset or Z it is the tariff's local time.

    \b
    Example:
      netmeter tariff show pge-e-tou-c --at 2026-07-01T17:00
      netmeter tariff show pge-e-tou-c --from 2026-10-31 --to 2026-11-03 --json

    \b
    Exit codes:
      0  shown
      1  the tariff or the config cannot be used
      2  the command line is wrong
    """
    if at_text is not None and (from_text is not None or to_text is not None):
        raise click.UsageError("either --at, or --from and --to")
    if (from_text is None) != (to_text is None):
        raise click.UsageError("--from and --to go together")
    file = chosen_tariff(name, config_path)
    calendar = Calendar(file.tariff)
    if from_text is not None and to_text is not None:
        start_us, end_us = _time(calendar, "--from", from_text), _time(calendar, "--to", to_text)
        if not start_us < end_us:
            raise click.UsageError("--from must be before --to")
        if end_us - start_us > MOST_DAYS * DAY_US:
            raise click.UsageError(f"--from and --to are more than {MOST_DAYS} days apart: ask for a shorter stretch")
        rows, days = rows_between(calendar, start_us, end_us), days_between(calendar, start_us, end_us)
        _show_rows(calendar, rows, days, as_json)
        return
    at_us = SystemClock().wall_us() if at_text is None else _time(calendar, "--at", at_text)
    note = "" if at_text is None else written_twice(at_text, calendar.zone)
    _show_moment(file, calendar, moment_at(calendar, at_us), note, as_json)


tariff.add_command(check)


def _time(calendar: Calendar, option: str, text: str) -> int:
    try:
        return parse_time(text, calendar.zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _show_moment(file: TariffFile, calendar: Calendar, moment: Moment, note: str, as_json: bool) -> None:
    rules = _rule_places(file, moment)
    if as_json:
        where = {"file": file.document.file, "rule": rules[0][0] if rules else None, "note": note or None}
        told = moment.as_json(calendar.zone) | where | besides_json(calendar.tariff, moment.version)
        click.echo(json.dumps(_head(calendar) | told, indent=2))
        return
    click.echo(f"tariff   {calendar.tariff_id}: {calendar.tariff.utility}, {calendar.tariff.name}")
    click.echo(f"at       {iso_local(moment.at_us, calendar.zone)} ({iso_utc(moment.at_us)})")
    if note:
        click.echo(f"         {note}")
    until = "for good" if moment.until_us is None else f"until {iso_local(moment.until_us, calendar.zone)}"
    click.echo(f"bucket   {moment.bucket} {until}")
    click.echo(f"because  {moment.reason}")
    for word, (place, period) in zip(("rule     ", *["         gives way: "] * len(rules)), rules, strict=False):
        click.echo(f"{word}{place} [[period]] {period}")
    if moment.clock:
        click.echo(f"clock    {moment.clock}")
    _show_price(calendar, moment)


def _rule_places(file: TariffFile, moment: Moment) -> list[tuple[str, str]]:
    """`FILE:LINE` and name of the period that decided, then of those that fit too."""
    reason = moment.reason
    if reason.version is None or reason.period is None:
        return []
    return [(file.place_of_period(reason.version, one), one.name) for one in (reason.period, *reason.also)]


def _show_price(calendar: Calendar, moment: Moment) -> None:
    if moment.total is None:
        click.echo("price    none: the tariff file has no price for this hour")
    else:
        click.echo(f"price    {moment.total:f} {calendar.tariff.currency} per kWh, the sum of")
        for component, price in moment.components.items():
            click.echo(f"           {price:>9f}  {component}")
    if moment.printed is not None and moment.printed != moment.total:
        click.echo(f"         (the sheet prints {moment.printed:f})")
    if moment.version is None:
        return
    if moment.version.baseline is not None:
        credit = moment.version.baseline.credit_per_kwh
        click.echo(f"         less {credit:f} per kWh within the baseline allowance")
    for tier, price in moment.version.base_services_per_day.items():
        click.echo(f"         besides {price:f} a day base services charge, {tier}")
    for line in besides(calendar.tariff, moment.version):
        click.echo(f"         {line}")
    click.echo(f"source   {moment.version.source}, {calendar.tariff.source}")


def _show_rows(calendar: Calendar, rows: list[Row], days: Days, as_json: bool) -> None:
    if as_json:
        listed = [row.as_json(calendar.zone) for row in rows]
        click.echo(json.dumps(_head(calendar) | {"rows": listed} | days.as_json(), indent=2))
        return
    click.echo(f"{'from':<25}  {'to':<25}  {'bucket':<18} {'price':>9}  {'version':<10}  because it begins on")
    for row in rows:
        start, end = iso_local(row.start_us, calendar.zone), iso_local(row.end_us, calendar.zone)
        price = "-" if row.total is None else f"{row.total:f}"
        why = row.reason.day_words() if row.reason.period is not None else row.reason.gap
        click.echo(f"{start:<25}  {end:<25}  {row.bucket:<18} {price:>9}  {row.version_id or '-':<10}  {why}")
    for holiday in days.holidays:
        click.echo(f"{holiday.day:%a} {holiday.day}  holiday: {holiday}")
    for change in days.clock:
        click.echo(f"{change.before:%a} {change.before:%Y-%m-%d}  {change}")


def _head(calendar: Calendar) -> dict[str, object]:
    tariff = calendar.tariff
    return {
        "tariff": tariff.id,
        "utility": tariff.utility,
        "zone": tariff.zone,
        "currency": tariff.currency,
        "bucket_names": list(calendar.bucket_names),
    }
