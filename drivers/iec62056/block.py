"""From a telegram's bytes to a `Telegram`: parity, text, data sets, and every reason why it is not to be used.

Pure; knows nothing of how the bytes were found.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .data_set import DataSet, Junk, data_sets_of
from .parity import first_odd, odd_count, without_parity
from .readout import Check, Fault, Identification, Telegram

MOSTLY = 8
"""Parity is made by the meter if at most one character in so many has it wrong; in plain ASCII every second has."""


class Raw(NamedTuple):
    """A telegram's bytes: `raw` from its first to its last, `offset` in everything handed in, the rest within `raw`."""

    raw: bytes
    offset: int
    body: tuple[int, int]
    """Where its data sets begin and end."""
    identification: tuple[int, int] | None = None
    """Where its `/...` begins and ends, without CR LF."""


def telegram_of(
    found: Raw, check: Check, faults: tuple[Fault, ...] = (), *, more_follows: bool = False, is_part: bool = False
) -> Telegram:
    """The telegram in `found`. `faults`: those of its frame. `is_part`: its text may end within a data set."""
    parity, is_parity = _parity_fault(found)
    plain = without_parity(found.raw)
    text = plain[slice(*found.body)].decode("ascii")
    is_vouched = check is not Check.NONE and not faults
    data_sets, junk = data_sets_of(text, found.offset + found.body[0], is_vouched=is_vouched)
    all_faults = [*faults, *parity]
    if not is_part:
        all_faults += text_faults(data_sets, junk, found.offset + found.body[0])
    identification = None
    if found.identification is not None:
        shown = plain if is_parity else found.raw
        identification = Identification(shown[slice(*found.identification)].decode("latin-1"))
    return Telegram(
        offset=found.offset,
        length=len(found.raw),
        identification=identification,
        data_sets=tuple(data_sets),
        check=check,
        faults=tuple(sorted(all_faults, key=lambda fault: fault.offset)) if all_faults else (),
        text=text,
        more_follows=more_follows,
    )


def text_faults(data_sets: Sequence[DataSet], junk: Sequence[Junk], offset: int) -> list[Fault]:
    """What is wrong with a text that came as it was sent: characters of no data set, or none at all."""
    if not data_sets and not junk:
        return [Fault(offset, "no data set in it")]
    return [Fault(one.offset, f"{one.text!a:.60} is no data set") for one in junk]


def _parity_fault(found: Raw) -> tuple[list[Fault], bool]:
    """What is wrong with the eighth bits, and whether they are the meter's parity."""
    if found.raw.isascii():
        return [], False
    wrong = odd_count(found.raw)
    if wrong * MOSTLY <= len(found.raw):
        at = first_odd(found.raw)
        return ([] if at is None else [_fault(found, at, "parity is odd, expected even")]), True
    at = next(place for place, byte in enumerate(found.raw) if byte & 0x80)
    return [_fault(found, at, "expected a character of 7 bits")], False


def _fault(found: Raw, at: int, text: str) -> Fault:
    return Fault(found.offset + at, f"0x{found.raw[at]:02X}: {text}")
