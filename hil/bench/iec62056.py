"""`netmeter-hil bench iec62056`: optical readouts from bytes to values, beside the package iec62056-21.

Turns alternate (A B A B), the middle of the processor times counts, and values that differ fail the command. We begin
with a stream in which the telegram has yet to be found and look at each parity bit; the other is handed the telegram
ready cut in its two messages, because that is what it takes. Both check the BCC and split each value from its unit.
"""

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click

from drivers.iec62056.scanner import Scanner

LEAST_US = 20_000
"""A turn reads a readout again and again until it has taken about so long."""
MADE_SETS = (4, 24, 400)


@click.command(
    epilog="Example: netmeter-hil bench iec62056 recordings/*.txt.  The package iec62056-21 takes part where it is "
    "installed (dependency group `bench`). Figures are in docs/decode.md.  Exit code: 0 measured; 1 could not, or the "
    "two read otherwise; 2 wrong options."
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--repeats", type=click.IntRange(5, 1000), default=15, show_default=True, help="Turns of each.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def iec62056(files: tuple[Path, ...], repeats: int, as_json: bool) -> None:
    """Optical readouts, from bytes to values. FILES: recordings of mode C; without them, made ones of three sizes."""
    peer = _peer()
    if peer is None:
        click.echo("iec62056-21 is not installed: measured alone", err=True)
    streams = {path.name: path.read_bytes() for path in files}
    streams = streams or {f"made, {count} registers": _made(count) for count in MADE_SETS}
    rows = [_measured(name, stream, peer, repeats) for name, stream in streams.items()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(f"{'readout':<44} {'bytes':>6} {'values':>6} {'netmeter':>9} {'iec62056-21':>12}   microseconds")
    for row in rows:
        other = "-" if row["iec62056_21_us"] is None else f"{row['iec62056_21_us']:.0f}"
        click.echo(f"{row['readout']:<44} {row['bytes']:>6} {row['values']:>6} {row['netmeter_us']:>9.0f} {other:>12}")


def _made(count: int) -> bytes:
    """A readout of so many registers."""
    text = b"".join(b"1-0:%d.8.%d*255(%07d.375*kWh)\r\n" % (1 + at % 80, at % 5, at * 977) for at in range(count))
    covered = text + b"!\r\n\x03"
    check = 0
    for character in covered:
        check ^= character
    return b"/HIL5MADE\r\n\x02" + covered + bytes([check])


def _ours(stream: bytes) -> list[tuple[str, str, str | None]]:
    """Each value of the telegrams that are valid: code, number, unit."""
    return [
        (one.identifier, *value.parts())
        for telegram in Scanner().feed(stream)
        if telegram.valid
        for one in telegram.data_sets
        for value in one.values
    ]


def _peer() -> Callable[[bytes, bytes], list[tuple[str, str, str | None]]] | None:
    """The other reader, from an identification and a data message; None where it is not installed."""
    try:
        from iec62056_21.messages import IdentificationMessage, ReadoutDataMessage
    except ImportError:
        return None

    def read(name: bytes, message: bytes) -> list[tuple[str, str, str | None]]:
        IdentificationMessage.from_bytes(name)
        lines = ReadoutDataMessage.from_bytes(message).data_block.data_lines
        return [(one.address or "", one.value, one.unit) for line in lines for one in line.data_sets]

    return read


def _measured(name: str, stream: bytes, peer: Any, repeats: int) -> dict[str, Any]:
    values = _ours(stream)
    if not values:
        raise click.ClickException(f"{name}: no telegram in it whose BCC agrees")
    work: dict[str, Callable[[], object]] = {"netmeter_us": lambda: _ours(stream)}
    if peer is not None:
        begin = stream.index(b"/")
        named, message = stream[begin : stream.index(b"\n", begin) + 1], stream[stream.index(b"\x02") :]
        if [one[1].strip() for one in peer(named, message)] != [one[1] for one in values]:
            raise click.ClickException(f"{name}: the values are not those of iec62056-21")
        work["iec62056_21_us"] = lambda: peer(named, message)
    middle = _take_turns(work, repeats)
    return {"readout": name, "bytes": len(stream), "values": len(values), "iec62056_21_us": None, **middle}


def _take_turns(work: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The middle of each one's processor times for one readout, microseconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    rounds = {name: max(1, round(LEAST_US / _once_us(one, 1))) for name, one in work.items()}
    for _ in range(repeats):
        for name, one in work.items():
            gc.collect()
            times[name].append(_once_us(one, rounds[name]))
    return {name: round(median(taken), 1) for name, taken in times.items()}


def _once_us(one: Callable[[], object], rounds: int) -> float:
    begun_s = time.process_time()
    for _ in range(rounds):
        one()
    return max(1.0, (time.process_time() - begun_s) * 1_000_000 / rounds)
