"""`netmeter read`: one reading of each meter, now: through the running daemon, else straight from the wire."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from drivers import DriverError, ProfileError, SystemTicker, load_profile
from drivers.profile_find import split_name
from drivers.recording import Tape, parse_recording
from drivers.want import Want

from ..config.types import Config, Framing, MeterSection, Parity, RegisterOwner, Role
from ..config.way import is_url, split_url
from .daemon import ask_daemon
from .errors import any_path, chosen_config, config_of, config_option
from .text import kwh, watts
from .wire import check_place, dated, keep, print_wire, wire_view


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
@click.option("--sunspec-meter", type=click.IntRange(1, 100), help="Which of several meters in one SunSpec map.")
@click.option("--sunspec-model", type=click.IntRange(1, 65534), help="Which of several SunSpec models.")
@click.option(
    "--role",
    default=Role.GRID.value,
    show_default=True,
    type=click.Choice([one.value for one in Role]),
    help="What the meter measures; an inverter is read as production.",
)
@click.option("--raw", is_flag=True, help="Show words, bytes and decoded values side by side.")
@click.option(
    "--record", "record_path", type=any_path, metavar="FILE", help="Keep the wire with its times in a new file."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def read(
    names: tuple[str, ...],
    config_path: Path | None,
    profile: str | None,
    raw: bool,
    record_path: Path | None,
    as_json: bool,
    **wire: Any,
) -> None:
    """Read METERs (all of the config without a name) and show identity, registers and power. Writes nothing but FILE.

    \b
    Example:
      netmeter read grid
      netmeter read --profile sunspec --host 192.168.1.40
      netmeter read --profile sunspec --host 192.168.1.41 --role production
      netmeter read --profile eastron-sdm630 --port /dev/ttyUSB0 --baud 9600 --unit 1
      netmeter read grid --raw --record grid.wire

    \b
    Exit codes:
      0  read
      1  a meter did not answer, or answered nonsense; or FILE cannot be written
      2  the command line is wrong
    """
    if profile is not None:
        if bool(wire["host"]) == bool(wire["port"]):
            raise click.UsageError("--profile needs either --host or --port")
        section = _loose_meter(profile, wire)
        folder, chosen = Path.cwd(), [section]
        read_one = partial(_read_here, folder=folder)
    else:
        path = chosen_config(config_path)
        config = config_of(path)
        folder, chosen = path.resolve().parent, _chosen(config, names)
        read_one = partial(_read_configured, config, folder=folder)
    if record_path is not None and len(chosen) > 1:
        raise click.UsageError("--record keeps one meter's wire: name the meter")
    if record_path is not None:
        check_place(record_path)
    views = []
    for one in chosen:
        if sys.stderr.isatty():
            click.echo(f"asking {one.name} ...", err=True)
        view = read_one(one, record=raw or record_path is not None)
        views.append(_with_wire(view, one, folder, raw=raw, record_path=record_path))
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
    if wire["host"].count(":") == 1:  # two and more are an IPv6 address
        host, _, tcp_port = wire["host"].partition(":")
        raise click.UsageError(f"--host {wire['host']}: the port stands apart: --host {host} --tcp-port {tcp_port}")
    return MeterSection(
        name=profile,
        profile=profile,
        register=RegisterOwner.OWN,
        service_amps=0,
        service_volts=0,
        **{**wire, "parity": Parity(wire["parity"]), "framing": Framing(wire["framing"]), "role": Role(wire["role"])},
    )


def _read_configured(config: Config, section: MeterSection, *, folder: Path, record: bool) -> dict[str, Any]:
    """The daemon holds the port while it runs, so it is asked first."""
    answer = ask_daemon(config, {"command": "read", "meter": section.name, **({"record": "yes"} if record else {})})
    if answer is None:
        return _read_here(section, folder=folder, record=record)
    return {"meter": section.name, **answer, "through": "the running gateway"}


def _read_here(section: MeterSection, *, folder: Path, record: bool) -> dict[str, Any]:
    from ..clock import SystemClock
    from ..reading.meters import open_meters
    from ..reading.read import read_meter
    from ..reading.view import reading_view

    tape = Tape()
    view: dict[str, Any]
    try:
        polled = open_meters([section], folder, SystemTicker())[section.name]
        if record:
            polled.record(tape)
        try:
            identity = polled.identify()
            reading = read_meter(section.name, polled, SystemClock(), identity.serial, want=Want.ALL)
            view = reading_view(reading, identity, polled.registers)
        finally:
            polled.close()
    except DriverError as error:
        view = {"meter": section.name, "error": str(error)}
    return {**view, "through": "the wire", **({"recording": tape.recording().text()} if record else {})}


def _with_wire(
    view: dict[str, Any], section: MeterSection, folder: Path, *, raw: bool, record_path: Path | None
) -> dict[str, Any]:
    """Keep the recording of a reading, and put what is on it beside the reading."""
    text = view.pop("recording", None)
    if text is None:
        if raw or record_path is not None:
            view.setdefault("error", "the running gateway took no recording: is it an older version? restart it")
        return view
    from ..clock import SystemClock
    from ..reading.meters import named_profile

    recording = dated(parse_recording(text, section.name), section.name, SystemClock().wall_us())
    if not recording.events:
        return view  # nothing was sent: the port or the connection could not be opened
    if record_path is not None:
        keep(recording, record_path, named_profile(section.profile, folder).path)
        view["recorded"] = str(record_path)
    if raw:
        base = split_name(section.profile)[0]
        own = [Path(base).parent] if base.endswith(".toml") else []
        try:
            view["wire"] = wire_view(recording, [folder, *own])
        except DriverError as error:
            view["error"] = view.get("error", f"the recording cannot be shown: {error}")
    return view


def _print(view: dict[str, Any]) -> None:
    if "error" in view:
        click.echo(f"{view['meter']}: {view['error']}", err=True)
    else:
        _print_reading(view)
    if "wire" in view:
        print_wire(view["wire"])
    if "recorded" in view:
        click.echo(f"  recorded     {view['recorded']}")


def _print_reading(view: dict[str, Any]) -> None:
    identity = {key: text for key, text in view["identity"].items() if text}
    click.echo(f"{view['meter']}  read through {view['through']}")
    click.echo("  identity     " + (", ".join(f"{key} {text}" for key, text in identity.items()) or "none in this map"))
    for direction in ("import", "export"):
        register = view[f"{direction}_milliwh"]
        note = f"   (steps of {kwh(view[f'{direction}_resolution_milliwh'])})" if register is not None else ""
        click.echo(f"  {direction:<12} {kwh(register)}{note}")
    if not view["one_moment"]:
        click.echo(
            "               import and export may not be of one moment: this meter tells them one after the other"
        )
    click.echo(f"  power        {watts(view['power_milliw'])}   (import positive, export negative)")
    for name, text in view["others"].items():
        click.echo(f"  {name:<12} {text} {view['units'].get(name, '')}".rstrip())
    for note in view["notes"]:
        click.echo(f"  note         {note}")
