"""`netmeter scan`: which meters are there, read-only, and the config that reads them.

Nothing is asked of a network that the user has not named. (docs/scan.md)
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from drivers import SystemTicker
from drivers.modbus.scan import (
    FIRST_TIMEOUT_MS,
    USUAL_BAUDS_BD,
    USUAL_UNITS,
    LineParity,
    LinePlan,
    settings_of,
)

from ..config.load import load_config
from ..config.meter_rules import BAUDS_BD
from ..config.problem import ProblemsError
from ..config.types import Config, Framing
from ..places import PlaceError, find_config
from ..scan.found import FoundUnit, ScanReport
from ..scan.hosts import hosts_of, reachable
from ..scan.job import Place, ScanJob, Wish, places_of, profiles_of, times_us
from ..scan.ports import lasting_name, serial_ports
from ..scan.toml_text import CHOICES, NUMBERS, meter_tables, whole_config
from .daemon import ask_daemon
from .errors import EXIT_FAILED, any_path, config_option, fail
from .progress import Progress
from .scan_text import as_json, duration, print_found, print_report
from .text_list import NumberList, WordList

EXIT_NOTHING = 3
EXIT_INTERRUPTED = 130


@click.command()
@click.option(
    "--port", "ports", multiple=True, metavar="PORT", help="A serial port, or rfc2217:// or socket://HOST:PORT."
)
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="An address, a name, 10.0.0.0/28 or 10.0.0.5-20.")
@click.option("--tcp-port", default=502, show_default=True, type=click.IntRange(1, 65535))
@click.option("--framing", default="tcp", show_default=True, type=click.Choice([one.value for one in Framing]))
@click.option("--units", type=NumberList(0, 255), help="Unit numbers, 1-247 or 1,2,10-20; default: the usual ones.")
@click.option("--bauds", type=NumberList(300, 921_600), help="Baud rates, 9600,19200; default: the usual ones.")
@click.option("--parity", "parities", type=WordList(list(LineParity)), help="N, E, O; default: N,E.")
@click.option("--stop-bits", default=1, show_default=True, type=click.IntRange(1, 2))
@click.option("--timeout-ms", type=click.IntRange(20, 10_000), help="For a unit that may not be there; default: 200.")
@click.option("--listen-s", default=2.0, show_default=True, type=click.FloatRange(0, 600), help="Before speaking.")
@click.option("--every-setting", is_flag=True, help="Go on at the other settings when something was found.")
@click.option("--thorough", is_flag=True, help="Ask each unit several questions: for devices that stay silent.")
@click.option("--despite-traffic", is_flag=True, help="Speak although somebody else does.")
@click.option("--plan", "only_plan", is_flag=True, help="Tell what would be asked and how long it takes; ask nothing.")
@click.option("--write", "write_path", type=any_path, metavar="FILE", help="Write a whole config into a new file.")
@click.option("--set", "choices", multiple=True, metavar="KEY=VALUE", help="What only you know: " + ", ".join(CHOICES))
@config_option
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def scan(
    hosts: tuple[str, ...],
    config_path: Path | None,
    only_plan: bool,
    write_path: Path | None,
    choices: tuple[str, ...],
    is_json: bool,
    **asked: Any,
) -> None:
    """Find meters on serial ports (all of them, if none is named) and at HOSTs, and print [[meter]] tables to paste.

    Sends nothing but reads (function codes 3 and 4). What answers first is told first; Ctrl-C ends the scan and prints
    what was found so far. Lines that a running gateway holds are asked through it, in the gaps between its readings.

    \b
    Example:
      netmeter scan
      netmeter scan --port /dev/serial/by-id/usb-... --bauds 9600 --units 1-247
      netmeter scan --host 192.168.1.40 --host 192.168.1.64-95
      netmeter scan --write gateway.toml --set tariff=pge-e-tou-c --set role=grid

    \b
    Exit codes:
      0    something was found
      1    the scan could not be made, or FILE cannot be written
      2    the command line is wrong
      3    nothing was found
      130  ended by Ctrl-C; what was found so far is printed
    """
    chosen = _chosen(choices)
    if write_path is not None and write_path.exists():
        fail(f"{write_path}: exists; a scan overwrites no config: name another file, or paste what it prints")
    report = ScanReport()
    config, running = _configs(config_path)
    wish = _wish(hosts, asked)
    if not wish.ports and not wish.hosts:
        fail("no serial port here: plug the adapter in (ls -l /dev/serial/by-id), or name --host for a network")
    if not only_plan and len(wish.hosts) > len(hosts):
        wish = _with_reachable(wish, report)
    places = places_of(wish, running)
    teller = ProgressTeller(is_json=is_json)
    _announce(places, wish, is_json=is_json)
    if only_plan:
        return
    folder = None if config is None else config.resolve().parent
    ask = None if running is None else _asker(running)
    job = ScanJob(wish, profiles_of(folder, report), SystemTicker(), report, teller, ask)
    try:
        for place in places:
            job.look_at(place)
    except KeyboardInterrupt:
        report.is_broken_off = True
    teller.end()
    _finish(report, chosen, write_path, is_json=is_json)


class ProgressTeller:
    """Tells how it goes: on standard error, so that standard output is the config alone."""

    def __init__(self, *, is_json: bool) -> None:
        self._progress = Progress("questions")
        self._is_json = is_json

    def doing(self, what: str, done: int, total: int) -> None:
        self._progress(what, done, total)

    def answers(self, place: str) -> None:
        self._progress.end()
        if not self._is_json:
            click.echo(f"there  {place}; asking who it is ...", err=True)

    def found(self, unit: FoundUnit) -> None:
        self._progress.end()
        if not self._is_json:
            print_found(unit)

    def end(self) -> None:
        self._progress.end()


def _finish(report: ScanReport, chosen: dict[str, str], write_path: Path | None, *, is_json: bool) -> None:
    """Print and write what was found, and end with the exit code."""
    text = whole_config(report.found, chosen) if write_path is not None else meter_tables(report.found, chosen)
    if write_path is not None and report.found:
        try:
            with write_path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            click.echo(f"{write_path}: cannot be written: {error.strerror}", err=True)
            click.echo(text)
            raise SystemExit(EXIT_FAILED) from error
    if is_json:
        click.echo(json.dumps(as_json(report, text), indent=2))
    else:
        print_report(report, text, write_path)
    if report.is_broken_off:
        raise SystemExit(EXIT_INTERRUPTED)
    if report.found or report.known:
        raise SystemExit(0)
    raise SystemExit(EXIT_FAILED if report.failed and not report.requests else EXIT_NOTHING)


def _wish(hosts: tuple[str, ...], asked: dict[str, Any]) -> Wish:
    """The command line as a wish. Ports are looked for only where the user named neither port nor host."""
    ports = tuple(one if "://" in one else lasting_name(one) for one in asked["ports"])
    if not ports and not hosts:
        ports = tuple(port.name for port in serial_ports())
    bauds_bd = asked["bauds"] or USUAL_BAUDS_BD
    wrong = next((baud for baud in bauds_bd if baud not in BAUDS_BD), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong} is not one of {', '.join(map(str, BAUDS_BD))}", param_hint="--bauds")
    parities = tuple(LineParity(one) for one in asked["parities"] or ("N", "E"))
    units = asked["units"] or ()
    on_line = tuple(unit for unit in units or USUAL_UNITS if 1 <= unit <= 247)
    if not on_line and (ports or asked["framing"] == Framing.RTU.value):
        raise click.BadParameter("a serial line has units 1 to 247", param_hint="--units")
    plan = LinePlan(
        settings_of(bauds_bd, parities, (asked["stop_bits"],)),
        on_line,
        timeout_us=(asked["timeout_ms"] or FIRST_TIMEOUT_MS) * 1000,
        listen_us=int(asked["listen_s"] * 1_000_000),
        is_every=asked["every_setting"],
    )
    try:
        names = tuple(dict.fromkeys(name for host in hosts for name in hosts_of(host)))
        wish = Wish(
            plan,
            units,
            ports,
            names,
            asked["tcp_port"],
            Framing(asked["framing"]),
            asked["thorough"],
            asked["despite_traffic"],
            asked["timeout_ms"] is not None,
        )
        places_of(wish, None)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return wish


def _with_reachable(wish: Wish, report: ScanReport) -> Wish:
    """Of a range only those who take a connection."""
    click.echo(f"connecting to {len(wish.hosts)} hosts, port {wish.tcp_port} ...", err=True)
    there = reachable(wish.hosts, wish.tcp_port)
    if not there:
        report.note(f"none of {len(wish.hosts)} hosts takes a connection at port {wish.tcp_port}")
    return replace(wish, hosts=there)


def _configs(config_path: Path | None) -> tuple[Path | None, Config | None]:
    """The config's path, where there is one, and what it says, where a gateway runs with it.

    A scan needs no config: one that is wrong or not there names no running gateway.
    """
    try:
        path = config_path or find_config()
    except PlaceError:
        return None, None
    try:
        config = load_config(path)
    except ProblemsError as error:
        if config_path is not None:
            raise
        click.echo(f"{path} is not looked at: {str(error).splitlines()[0]}", err=True)
        return None, None
    try:
        answer = ask_daemon(config, {"command": "status"})
    except click.ClickException as error:
        click.echo(error.message, err=True)
        answer = None
    return path, None if answer is None else config


def _asker(config: Config) -> Callable[[Any], dict[str, Any] | None]:
    return lambda request: ask_daemon(config, request)


def _chosen(choices: tuple[str, ...]) -> dict[str, str]:
    chosen = {}
    for choice in choices:
        key, sign, value = choice.partition("=")
        if not sign or key not in CHOICES:
            raise click.BadParameter(f"{choice!r}: KEY=VALUE with a KEY of {', '.join(CHOICES)}", param_hint="--set")
        if key in NUMBERS and not value.isdecimal():
            raise click.BadParameter(f"{choice!r}: a whole number is wanted", param_hint="--set")
        chosen[key] = value
    return chosen


def _announce(places: tuple[Place, ...], wish: Wish, *, is_json: bool) -> None:
    """What is going to be asked, and for how long."""
    if is_json and not sys.stderr.isatty():
        return
    for place in places:
        first_us, usual_us, worst_us = times_us(place, wish)
        through = " through the running gateway" if place.holder is not None else ""
        click.echo(
            f"{place.name}{through}: first answer after {duration(first_us)}, {duration(usual_us)} where all is as "
            f"usual, at most {duration(worst_us)} where nothing answers",
            err=True,
        )
