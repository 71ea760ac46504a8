"""`netmeter decode`: what a recording of a meter's line says, telegram by telegram, the damaged ones with the place.

Reads bytes and prints; knows no meter, no port and no config.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from drivers.recording import TITLE

from .decode_table import AUTO, PROTOCOLS, Decoded, nothing
from .errors import EXIT_OK, any_path, fail
from .progress import Progress
from .text import kwh

EXIT_NOTHING_VALID = 4
PIECE_BYTES = 65536
STANDARD_INPUT = Path("-")
WIRE = f"# {TITLE}".encode("ascii")
WHAT = "What a meter says, value by value: `netmeter read --raw`; docs/wire-recordings.md"


@click.command()
@click.argument("path", metavar="FILE", type=any_path)
@click.option(
    "--protocol",
    type=click.Choice([*PROTOCOLS, "auto"]),
    default="auto",
    show_default=True,
    help="What the bytes are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a telegram, one a line.")
@click.pass_context
def decode(context: click.Context, path: Path, protocol: str, as_json: bool) -> None:
    """Decode the telegrams in FILE, a recording of what a meter sent, byte for byte; - reads standard input.

    Every telegram is told, a damaged one with its error and the byte where it is; energy (import, export) only of
    a valid one. Parity bits that were recorded with the characters are looked at and taken off. Optical readouts and
    pushed telegrams (IEC 62056-21 modes A to D) are known, and P1 telegrams, which are the same with a CRC.

    \b
    Example:
      netmeter decode readout.txt
      netmeter decode --protocol iec62056-21 --json - < readout.txt

    \b
    Exit codes:
      0  at least one telegram is valid
      1  the file cannot be read
      2  the command line is wrong
      4  no telegram in it is valid
    """
    count, valid = 0, 0
    length = _Length()
    named = AUTO if protocol == "auto" else protocol
    for one in _telegrams(path, named, length):
        count += 1
        valid += one.valid
        click.echo(json.dumps(asdict(one)) if as_json else _as_text(one))
    if not count:
        _tell_nothing(nothing(named, length.bytes), as_json, is_wire=length.first == WIRE)
    context.exit(EXIT_OK if valid else EXIT_NOTHING_VALID)


class _Length:
    """How many bytes have been read, and how they begin."""

    bytes = 0
    first = b""


def _telegrams(path: Path, protocol: str, length: _Length) -> Iterator[Decoded]:
    decoder = PROTOCOLS[protocol]()
    progress = Progress("bytes")
    try:
        with _opened(path) as stream:
            while piece := _piece(stream):
                length.first = (length.first + piece)[: len(WIRE)]
                length.bytes += len(piece)
                yield from decoder.feed(piece)
                progress("read", length.bytes, 0)
    except OSError as error:
        if error.filename is None and error.errno is not None and path != STANDARD_INPUT:
            raise  # of the output: told elsewhere
        fail(f"{path}: {error.strerror}: expected a file with a meter's bytes, or - for standard input")
    yield from decoder.finish()
    progress.end()


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else path.open("rb")


def _piece(stream: BinaryIO) -> bytes:
    """What is there, so that a line that is still being heard is told as it comes."""
    read1 = getattr(stream, "read1", stream.read)
    piece = read1(PIECE_BYTES)
    assert isinstance(piece, bytes)
    return piece


def _tell_nothing(one: Decoded, as_json: bool, *, is_wire: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(one)))
    elif is_wire:
        click.echo(f"{one.error}: a wire recording of `netmeter read --record`: text, and both ways. {WHAT}")
    else:
        click.echo(f"{one.error}: is it a recording of what the meter sent, byte for byte?")


def _as_text(one: Decoded) -> str:
    """A telegram for people."""
    lines = [f"byte {one.offset}, {one.length} bytes: {_verdict(one)}"]
    if one.identification is not None:
        lines.append(f"  identification  {_printable(one.identification)}")
    for name, milliwh in (("import", one.import_milliwh), ("export", one.export_milliwh)):
        if milliwh is not None:
            lines.append(f"  {name}          {kwh(milliwh)}")
    if one.note is not None:
        lines.append(f"  no energy       {_printable(one.note)}")
    if one.meter_fault is not None:
        lines.append(f"  the meter's own error register: {_printable(one.meter_fault)}")
    lines.extend(f"  error           {_printable(error)}" for error in one.errors)
    for each in one.objects:
        more = "".join(f" ({text})" for text in each.more)
        lines.append(f"    {each.obis:<18} {_printable(f'{each.value} {each.unit or str()}'.rstrip() + more)}")
    return "\n".join(lines)


def _verdict(one: Decoded) -> str:
    if not one.valid:
        return "NOT VALID"
    return "valid, nothing vouches for its characters" if one.check == "none" else f"valid ({one.check} agrees)"


def _printable(text: str) -> str:
    """Without characters that a terminal obeys."""
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
