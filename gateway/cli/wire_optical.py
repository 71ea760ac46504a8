"""What `netmeter read --raw` shows of an optical port (IEC 62056-21): what was said and heard, and what it means.

Decoded from the recorded bytes alone, as `netmeter decode` does it. A conversation with a password is not recorded.
"""

from dataclasses import asdict
from typing import Any

import click

from drivers.iec62056.parity import without_parity
from drivers.recording import HEARD, Recording

from .decode_table import PROTOCOLS

FRAMING = "iec62056"
CHARACTERS_A_LINE = 96
MOST_LINES = 60
"""Of one turn: a flood of noise is cut off; `--json` has all of it."""


def optical_view(recording: Recording) -> dict[str, Any]:
    """The turns of a conversation and the telegrams in it, for programs."""
    turns: list[dict[str, Any]] = []
    heard = bytearray()
    for one in recording.events:
        if one.direction == HEARD:
            heard += one.payload
        if turns and turns[-1]["direction"] == one.direction:
            turns[-1]["bytes"] += one.payload
        else:
            turns.append({"offset_us": one.offset_us, "direction": one.direction, "bytes": one.payload})
    decoder = PROTOCOLS["iec62056-21"]()
    telegrams = [*decoder.feed(bytes(heard)), *decoder.finish()]
    return {
        "head": dict(recording.head),
        "turns": [{**one, "bytes": one["bytes"].hex(" ").upper(), "text": _text(one["bytes"])} for one in turns],
        "telegrams": [asdict(one) for one in telegrams],
    }


def print_optical(view: dict[str, Any]) -> None:
    """The same for people."""
    click.echo(
        "  wire         " + ", ".join(f"{name} {value}" for name, value in view["head"].items() if name != "meter")
    )
    for one in view["turns"]:
        click.echo(f"  {one['offset_us'] / 1e6:10.6f} s")
        text = one["text"]
        lines = [text[begin : begin + CHARACTERS_A_LINE] for begin in range(0, len(text), CHARACTERS_A_LINE)]
        for line in lines[:MOST_LINES]:
            click.echo(f"      {one['direction']} {line}")
        if len(lines) > MOST_LINES:
            click.echo(f"      {one['direction']} ... and {len(lines) - MOST_LINES} lines more")
    for telegram in view["telegrams"]:
        verdict = f"valid, check {telegram['check']}" if telegram["valid"] else f"NOT VALID: {telegram['error']}"
        click.echo(f"  telegram of {telegram['length']} bytes: {verdict}")
        for each in telegram["objects"]:
            value = "".join(f"({text})" for text in (each["text"], *each["more"]))
            click.echo(f"      {each['obis']:<18} {value}")


def _text(characters: bytes) -> str:
    """Seven bits of each, what does not print as its number."""
    plain = without_parity(characters)
    return "".join(chr(one) if 0x20 <= one < 0x7F else f"<{one:02X}>" for one in plain)
