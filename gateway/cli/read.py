"""`netmeter read`: one reading of each meter, now: through the running daemon, else straight from the wire."""

import json
from pathlib import Path
from typing import Any

import click

from drivers import DriverError, ProfileError, SystemTicker, load_profile

from ..config.types import Config, Framing, MeterSection, Parity, RegisterOwner, Role
from ..config.way import is_url, split_url
from .daemon import ask_daemon
from .errors import chosen_config, config_of, config_option
from .text import kwh, watts


@click.command()
@click.argument("names", nargs=-1, metavar="[METER]...")
@config_option
@click.option("--profile", help="Read a meter that is in no config: its profile's name or file.")
@click.option("--host", default="", help="... over Modbus TCP, at this host.")
@click.option("--tcp-port", default=502, show_default=True, type=click.IntRange(1, 65535))
@click.option("--framing", default="tcp", show_default=True, type=click.Choice([one.value for one in Framing]))
@click.option(
    "--port", default="", help="... over Modbus RTU, at this serial port, or socket:// or rfc2217://HOST:PORT."
)
@click.option("--baud", "baud_bd", default=9600, show_default=True, type=click.IntRange(300, 921600))
@click.option("--parity", default="N", show_default=True, type=click.Choice([one.value for one in Parity]))
@click.option("--stop-bits", default=1, show_default=True, type=click.IntRange(1, 2))
@click.option("--unit", default=1, show_default=True, type=click.IntRange(0, 255), help="Modbus unit number.")
@click.option("--timeout-ms", default=1000, show_default=True, type=click.IntRange(50, 60_000), help="Time to answer.")
@click.option("--sunspec-base", type=click.IntRange(0, 65535), help="Where the SunSpec map begins, if not as usual.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def read(
    names: tuple[str, ...],
    config_path: Path | None,
    profile: str | None,
    as_json: bool,
    **wire: Any,
) -> None:
    """Read METERs (all of the config without a name) and show identity, registers and power. Writes nothing.

    \b
    Example:
      netmeter read grid
      netmeter read --profile sunspec --host 192.168.1.40
      netmeter read --profile eastron-sdm630 --port /dev/ttyUSB0 --baud 9600 --unit 1

    \b
    Exit codes:
      0  read
      1  a meter did not answer, or answered nonsense
      2  the command line is wrong
    """
    if profile is not None:
        if bool(wire["host"]) == bool(wire["port"]):
            raise click.UsageError("--profile needs either --host or --port")
        section = _loose_meter(profile, wire)
        views = [_read_here(section, Path.cwd())]
    else:
        path = chosen_config(config_path)
        config = config_of(path)
        views = [_read_configured(config, section, path.resolve().parent) for section in _chosen(config, names)]
    if as_json:
        click.echo(json.dumps(views, indent=2))
    else:
        for view in views:
            _print(view)
    raise SystemExit(1 if any("error" in view for view in views) else 0)


def _chosen(config: Config, names: tuple[str, ...]) -> list[MeterSection]:
    known = {section.name: section for section in config.meter}
    for name in names:
        if name not in known:
            raise click.UsageError(f"no meter {name} in the config; known: {', '.join(known)}")
    return [known[name] for name in names or known]


def _loose_meter(profile: str, wire: dict[str, Any]) -> MeterSection:
    """A meter from options. The service limit plays no part in reading, so none is asked for."""
    try:
        load_profile(profile)
    except ProfileError as error:
        raise click.UsageError(str(error)) from error
    try:
        if is_url(wire["port"]):
            split_url(wire["port"])
    except ValueError as error:
        raise click.UsageError(f"--port {wire['port']}: {error}") from error
    return MeterSection(
        name=profile,
        profile=profile,
        role=Role.GRID,
        register=RegisterOwner.OWN,
        service_amps=0,
        service_volts=0,
        **{**wire, "parity": Parity(wire["parity"]), "framing": Framing(wire["framing"])},
    )


def _read_configured(config: Config, section: MeterSection, folder: Path) -> dict[str, Any]:
    """The daemon holds the port while it runs, so it is asked first."""
    answer = ask_daemon(config, {"command": "read", "meter": section.name})
    if answer is None:
        return _read_here(section, folder)
    return {"meter": section.name, **answer, "through": "the running gateway"}


def _read_here(section: MeterSection, folder: Path) -> dict[str, Any]:
    from ..clock import SystemClock
    from ..meters import open_meters
    from ..read import read_meter
    from ..view import reading_view

    try:
        polled = open_meters([section], folder, SystemTicker())[section.name]
        try:
            identity = polled.identify()
            reading = read_meter(section.name, polled, SystemClock(), identity.serial)
        finally:
            polled.close()
    except DriverError as error:
        return {"meter": section.name, "error": f"{type(error).__name__}: {error}"}
    return {**reading_view(reading, identity), "through": "the wire"}


def _print(view: dict[str, Any]) -> None:
    if "error" in view:
        click.echo(f"{view['meter']}: {view['error']}", err=True)
        return
    identity = {key: text for key, text in view["identity"].items() if text}
    click.echo(f"{view['meter']}  read through {view['through']}")
    click.echo("  identity     " + (", ".join(f"{key} {text}" for key, text in identity.items()) or "none in this map"))
    for direction in ("import", "export"):
        register = view[f"{direction}_milliwh"]
        note = f"   (steps of {kwh(view[f'{direction}_resolution_milliwh'])})" if register is not None else ""
        click.echo(f"  {direction:<12} {kwh(register)}{note}")
    click.echo(f"  power        {watts(view['power_milliw'])}   (import positive, export negative)")
    for name, text in view["others"].items():
        click.echo(f"  {name:<12} {text}")
