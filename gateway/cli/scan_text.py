"""What a scan has found, for people and as JSON."""

from pathlib import Path
from typing import Any

import click

from ..scan.found import FoundUnit, ScanReport
from .text import kwh, watts


def duration(time_us: int) -> str:
    """`5500000` -> `6 s`; rounded up, minutes from two on."""
    seconds = -(-time_us // 1_000_000)
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} min"


def print_found(unit: FoundUnit) -> None:
    """One unit, on standard error: standard output is the config."""
    click.echo(f"found  {unit.place}: {_who(unit)}", err=True)
    sample = unit.who.sample
    if sample is not None:
        snapshot = sample.snapshot
        for name, one in (("import", snapshot.energy_import), ("export", snapshot.energy_export)):
            click.echo(f"       {name}  {kwh(None if one is None else one.milliwh)}", err=True)
        click.echo(f"       power   {watts(snapshot.power_milliw)}   (import positive, export negative)", err=True)
    if unit.coarse_milliwh is not None:
        click.echo(
            f"     ! coarse: its energy moves in steps of {kwh(unit.coarse_milliwh)}, and so exactly are edges told",
            err=True,
        )
    for note in (*unit.notes, *unit.who.notes):
        click.echo(f"     ! {note}", err=True)
    if not unit.who.matches:
        _print_raw(unit)


def print_report(report: ScanReport, text: str, written: Path | None) -> None:
    """All of it; the config's text on standard output."""
    for known in report.known:
        click.echo(f"known  {known}", err=True)
    for note in report.notes:
        click.echo(f"! {note}", err=True)
    count = len(report.found)
    end = "broken off; " if report.is_broken_off else ""
    click.echo(f"{end}{count} unit{'' if count == 1 else 's'} found, {report.requests} questions asked", err=True)
    if not count:
        if not report.known and report.requests:
            click.echo(
                "nothing answered: is the line wired A to A, B to B, the meter on, Modbus switched on in it? "
                "--units 1-247 asks every number, --parity N,E,O every parity, --thorough what stays silent",
                err=True,
            )
        return
    if written is not None:
        click.echo(f"wrote {written}; next: netmeter check {written}", err=True)
        return
    click.echo(text, nl=False)


def as_json(report: ScanReport, text: str) -> dict[str, Any]:
    """The same for a program. `config` is the text."""
    return {
        "found": [_unit_json(unit) for unit in report.found],
        "known": report.known,
        "notes": report.notes,
        "questions": report.requests,
        "broken_off": report.is_broken_off,
        "config": text,
    }


def _who(unit: FoundUnit) -> str:
    who = unit.who
    named = ", ".join(text for text in (who.identity.vendor, who.identity.model) if text)
    serial = f", serial {who.identity.serial}" if who.identity.serial else ""
    if who.chosen is not None:
        surely = "likely " if unit.is_likely_only else ""
        return f"{surely}{unit.profile}{f' ({named})' if named else ''}{serial}"
    if who.matches:
        return "one of " + ", ".join(match.profile.name for match in who.matches) + serial
    return f"a device that no profile knows{f' ({named})' if named else ''}"


def _print_raw(unit: FoundUnit) -> None:
    for function, address, words in unit.who.raw:
        octets = b"".join(word.to_bytes(2, "big") for word in words)
        shown = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in octets)
        listed = " ".join(f"{word:04X}" for word in words)
        click.echo(f"       function {function} at 0x{address:04X}: {listed}   {shown}", err=True)
    if unit.who.sunspec_base is not None:
        click.echo(f"       a SunSpec map begins at {unit.who.sunspec_base}", err=True)
    click.echo("       to read it, write a profile: docs/profiles.md", err=True)


def _unit_json(unit: FoundUnit) -> dict[str, Any]:
    who, sample = unit.who, unit.who.sample
    energy = (
        {} if sample is None else {"import": sample.snapshot.energy_import, "export": sample.snapshot.energy_export}
    )
    setting = unit.setting
    return {
        "port": unit.port or None,
        "host": unit.host or None,
        "tcp_port": unit.tcp_port if unit.host else None,
        "baud_bd": None if setting is None else setting.baud_bd,
        "parity": None if setting is None else setting.parity.value,
        "stop_bits": None if setting is None else setting.stop_bits,
        "unit": unit.unit,
        "profile": unit.profile,
        "likeness": None if who.chosen is None else who.chosen.likeness.value,
        "matches": [match.profile.name for match in who.matches],
        "vendor": who.identity.vendor,
        "model": who.identity.model,
        "serial": who.identity.serial,
        "firmware": who.identity.firmware,
        **{f"{name}_milliwh": None if one is None else one.milliwh for name, one in energy.items()},
        **{
            f"{name}_resolution_milliwh": None if one is None else one.resolution_milliwh
            for name, one in energy.items()
        },
        "is_coarse": unit.coarse_milliwh is not None,
        "notes": [*unit.notes, *who.notes],
        "raw": [
            {"function": function, "address": address, "words": list(words)} for function, address, words in who.raw
        ],
        "sunspec_base": who.sunspec_base,
    }
