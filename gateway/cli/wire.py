"""What `netmeter read --raw` and `--record` do with a recorded wire: keep it in a file, show it beside what it means.

The values shown are had by playing the recording to the same driver once more, so that what is shown is what is kept.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from drivers import DriverError
from drivers.modbus.replay import Exchange, exchanges, open_recorded, recorded_profile
from drivers.raw import RawRow, raw_rows
from drivers.recording import Recording
from drivers.want import Want

from .errors import fail
from .text import ABSENT
from .wire_optical import FRAMING as OPTICAL
from .wire_optical import optical_view, print_optical

BYTES_A_LINE = 24


def dated(recording: Recording, meter: str, now_us: int) -> Recording:
    """With the meter's name and the date in its head."""
    date = datetime.fromtimestamp(now_us // 1_000_000, UTC).isoformat()
    return replace(recording, head={"meter": meter, "date": date, **recording.head})


def check_place(path: Path) -> None:
    """Whether `path` can become a file, before a meter is asked. Raises Failure."""
    if path.exists():
        fail(f"{path}: exists; choose another name, or remove it first")
    if not path.parent.is_dir():
        fail(f"{path}: there is no folder {path.parent}; make it first")


def keep(recording: Recording, path: Path, profile: Path) -> None:
    """Write the file, the meter's profile with it; one that is there is not overwritten. Raises Failure."""
    with contextlib.suppress(OSError):  # a recording without its profile is still one
        recording = replace(recording, profile_text=profile.read_text(encoding="utf-8"))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(recording.text())
    except FileExistsError:
        fail(f"{path}: exists; choose another name, or remove it first")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


def wire_view(recording: Recording, search: Sequence[Path]) -> dict[str, Any]:
    """Requests, answers and registers of a recording, for programs. Raises DriverError for one that does not fit."""
    if recording.head.get("framing") == OPTICAL:
        return optical_view(recording)
    asked = exchanges(recording)
    image = {(one.function, one.address + n): word for one in asked for n, word in enumerate(one.words or ())}
    meter = open_recorded(recording, search)
    try:
        meter.identify()
        meter.read(want=Want.ALL)
    except DriverError:
        pass  # it failed when it was recorded, too; what did come is shown
    order = recorded_profile(recording, search).word_order
    return {
        "head": dict(recording.head),
        "exchanges": [_exchange_view(one) for one in asked],
        "registers": [_row_view(row) for row in raw_rows(meter.registers, image, order)],
    }


def _exchange_view(one: Exchange) -> dict[str, Any]:
    return {
        "offset_us": one.offset_us,
        "function": one.function,
        "address": one.address,
        "count": one.count,
        "request": one.request.hex(" ").upper(),
        "heard": one.heard.hex(" ").upper(),
        "words": None if one.words is None else list(one.words),
        "exception": one.exception,
    }


def _row_view(row: RawRow) -> dict[str, Any]:
    return {
        "function": row.function,
        "address": row.address,
        "words": list(row.words),
        "bytes": row.octets.hex(" ").upper(),
        "name": row.name,
        "value": None if row.value is None else f"{row.value:f}" if not isinstance(row.value, str) else row.value,
        "unit": row.unit,
    }


def print_wire(view: dict[str, Any]) -> None:
    """The same for people."""
    head = view["head"]
    if head.get("framing") == OPTICAL:
        print_optical(view)
        return
    click.echo("  wire         " + ", ".join(f"{name} {value}" for name, value in head.items() if name != "meter"))
    for one in view["exchanges"]:
        asked = f"function {one['function']}, {one['count']} registers from 0x{one['address']:04X} ({one['address']})"
        click.echo(f"  {one['offset_us'] / 1e6:10.6f} s  {asked}: {_outcome(one)}")
        for sign, octets in ((">", one["request"]), ("<", one["heard"])):
            for line in _lines(octets):
                click.echo(f"      {sign} {line}")
    if not view["registers"]:
        return
    click.echo(f"  {'FC':>2}  {'address':<14}  {'words':<19}  {'bytes':<23}  {'register':<16}  value")
    for row in view["registers"]:
        words = " ".join(f"{word:04X}" for word in row["words"])
        value = ABSENT if row["value"] is None else f"{row['value']} {row['unit']}".rstrip()
        place = f"0x{row['address']:04X} {row['address']:>7}"
        click.echo(
            f"  {row['function']:>2}  {place:<14}  {_short(words, 19):<19}  {_short(row['bytes'], 23):<23}"
            f"  {row['name']:<16}  {value}"
        )


def _outcome(one: dict[str, Any]) -> str:
    if one["exception"] is not None:
        return f"exception {one['exception']}"
    if one["words"] is not None:
        return "answered"
    return "no answer to it" if one["heard"] else "silence"


def _lines(octets: str) -> list[str]:
    pieces = octets.split()
    return [" ".join(pieces[n : n + BYTES_A_LINE]) for n in range(0, len(pieces), BYTES_A_LINE)]


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
