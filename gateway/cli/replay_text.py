"""A replay's result for people: what was read, under which assumptions, buckets, intervals, events, the law.

Exact integers as decimals; nothing is summed here. What needs a look goes to standard error, a line each.
"""

from collections import Counter

import click

from ..energy import Direction, Quality
from ..replay import MeterReplay, Replay
from ..replay.bad_rows import LISTED_MOST
from ..replay.digits import DigitSource
from ..replay.report import bucket_names, direction_order
from ..replay.result import DirectionReplay
from ..tariff.calendar import UNASSIGNED_NAME, Calendar
from ..tariff.walltime import iso_local
from .text import kwh, watts

LISTED = 20
DIGIT_WORDS = {
    DigitSource.STATED: "stated",
    DigitSource.VALUES: "as the values show",
    DigitSource.WRITTEN: "as written: too few values to tell",
}


def print_result(result: Replay, calendar: Calendar) -> None:
    """All of it, on standard output."""
    readings = result.readings
    click.echo(f"readings   {readings.source}: {len(readings):,} rows")
    if readings:
        first, last = (iso_local(at_us, calendar.zone) for at_us in (readings.time_us[0], readings.time_us[-1]))
        click.echo(f"           {first} to {last}")
    click.echo(f"tariff     {calendar.tariff_id}: {calendar.tariff.utility}, {calendar.tariff.name}")
    for meter in result.meters:
        _print_meter(meter, result, calendar)
    click.echo(
        f"law        {'holds' if result.law_holds else 'BROKEN'}: buckets + unassigned == growth of the registers"
    )


def troubles_of(result: Replay, calendar: Calendar) -> list[str]:
    """What a person should look at, one line each; empty where every row was booked as it stands."""
    readings = result.readings
    troubles = [f"line {row.line}: {row.message}" for row in readings.bad.listed[:LISTED]]
    if len(readings.bad) > LISTED:
        troubles.append(f"... and {len(readings.bad) - LISTED:,} more: --json lists the first {LISTED_MOST:,}")
    if readings.bad:
        counts = ", ".join(f"{count:,} {reason.value}" for reason, count in sorted(readings.bad.counts.items()))
        troubles.append(f"rows that are no readings, left out: {len(readings.bad):,} ({counts})")
    if readings.blank_lines:
        troubles.append(f"empty lines: {readings.blank_lines:,}")
    for name, column in readings.columns.items():
        if column.finer:
            troubles.append(f"{name}_wh: registers finer than 0.001 Wh, floored to it: {column.finer:,}")
    for meter in result.meters:
        troubles += [
            f"{meter.meter}: readings {one.kind}: {one.readings:,} ({one.reason}), the first in line {one.first_line}"
            for one in meter.refusals
        ]
    return troubles + _outside_the_tariff(result, calendar)


def _outside_the_tariff(result: Replay, calendar: Calendar) -> list[str]:
    """Energy is unassigned where the tariff does not say whose hour it is; a table that is longer than it is told."""
    times_us = result.readings.time_us
    if not times_us:
        return []
    versions = calendar.tariff.version
    troubles = []
    if not calendar.version_at(times_us[0]):
        troubles.append(f"the table begins before the tariff's first version, {versions[0].id}")
    if not calendar.version_at(times_us[-1]) and times_us[-1] > calendar.version_edges()[0][0]:
        troubles.append(f"the table goes on after the tariff's last version, {versions[-1].id}, has ended")
    return [f"{trouble}: what flowed then is unassigned" for trouble in troubles]


def _print_meter(meter: MeterReplay, result: Replay, calendar: Calendar) -> None:
    terms = result.terms
    click.echo(
        f"meter {meter.meter}  {meter.accepted:,} readings booked, {meter.not_booked:,} not;"
        f" one every {_seconds(meter.usual_step_us)}"
    )
    click.echo(
        f"  assumed    service limit {watts(terms.section(meter.meter).limit_milliw)}, clock error"
        f" {_seconds(terms.clock_error_us)}, window {_seconds(terms.half_window_us)} either way"
    )
    for direction in direction_order(meter):
        _print_direction(direction, meter.directions[direction])
    _print_intervals(meter)
    _print_events(meter, calendar)


def _print_direction(direction: Direction, one: DirectionReplay) -> None:
    digit = DIGIT_WORDS[one.digit.known_from]
    click.echo(
        f"  {direction.value:<10} register {kwh(one.last_milliwh)}   (steps of {kwh(one.digit.milliwh)}, {digit})"
    )
    for name in bucket_names(one):
        milliwh = one.unassigned_milliwh if name == UNASSIGNED_NAME else one.buckets_milliwh.get(name, 0)
        click.echo(f"    {name:<24} {kwh(milliwh):>22}   uncertain {kwh(one.uncertain_milliwh.get(name, 0))}")
    sign = "==" if one.booked_milliwh == one.grown_milliwh else "IS NOT"
    click.echo(f"    {'all of it':<24} {kwh(one.booked_milliwh):>22}   {sign} growth {kwh(one.grown_milliwh)}")
    if not one.intervals_add_up:
        click.echo("    INTERVALS DO NOT ADD UP to these buckets")


def _print_intervals(meter: MeterReplay) -> None:
    counts = ", ".join(f"{meter.intervals.count_quality(quality):,} {quality.value}" for quality in Quality)
    click.echo(f"  intervals  {len(meter.intervals):,}: {counts}")
    rest = meter.open_interval
    if rest is not None:
        energy = ", ".join(f"{direction.value} {kwh(one)}" for direction, one in rest.energy_milliwh.items())
        click.echo(f"             and one that has not ended, {rest.bucket}: {energy}")


def _print_events(meter: MeterReplay, calendar: Calendar) -> None:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in Counter(e.row.kind for e in meter.events).items())
    click.echo(f"  events     {len(meter.events):,}" + (f": {counts}" if counts else ""))
    for event in meter.events[:LISTED]:
        words = (_word(key, value, calendar) for key, value in event.row.detail.items() if value is not None)
        at = iso_local(event.at_us, calendar.zone)
        click.echo(f"    line {event.line:<9,} {at}  {event.row.kind}  {', '.join(words)}")
    if len(meter.events) > LISTED:
        click.echo(f"    ... and {len(meter.events) - LISTED:,} more: --json lists them all")


def _word(key: str, value: int | str | None, calendar: Calendar) -> str:
    """One detail of an event, in units that people read."""
    if isinstance(value, int) and key.endswith("_utc_us"):
        return f"{key.removesuffix('_utc_us')} {iso_local(value, calendar.zone)}"
    if isinstance(value, int) and key.endswith("_milliwh"):
        return f"{key.removesuffix('_milliwh')} {kwh(value)}"
    return f"{key} {value}"


def _seconds(duration_us: int) -> str:
    """Microseconds as seconds, without zeros at the end."""
    whole, rest = divmod(duration_us, 1_000_000)
    return f"{whole:,}" + (f".{rest:06d}".rstrip("0") if rest else "") + " s"
