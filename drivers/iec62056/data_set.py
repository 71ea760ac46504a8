"""Data sets, `identifier(value*unit)(value)...`, read out of a block's text as meters really send them.

Blanks inside brackets, a unit behind a blank, a unit that is missing, eight decimals, several sets on a line, lines of
values alone. Numbers are Decimal, never float; what is no plain decimal number stays text. No number and no unit is
ever guessed. (IEC 62056-21:2002, 6.5; seen in recordings)
"""

import re
from decimal import Decimal
from typing import NamedTuple

_ENERGY_UNITS = ("Wh", "kWh", "MWh", "GWh", "varh", "kvarh", "Mvarh", "VAh", "kVAh")
_POWER_UNITS = ("W", "kW", "MW", "var", "kvar", "Mvar", "VA", "kVA")
UNITS = frozenset((*_ENERGY_UNITS, *_POWER_UNITS, "V", "kV", "A", "mA", "Hz", "deg", "s", "min", "h"))
"""Units that are known where they stand inside the value; behind a `*` anything is one."""

_SETS = re.compile(r"([0-9A-Za-z.:,&*+\-]{0,32})((?:\([^()\x00-\x1f]*\))+)")
# Any printable character but ( ) / ! may be in an identifier (6.5), and some makers use them.
_SETS_VOUCHED = re.compile(r"([^()/!\x00-\x20\x7f]{0,32})((?:\([^()\x00-\x08\x0a-\x1f]*\))+)")
# A value has 32 characters, in programming mode 128 (6.5): longer is a text, and no number is made of it.
_NUMBER = re.compile(r"[+-]?[0-9]{1,128}(?:\.[0-9]{1,128})?")
_WITH_UNIT = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?) *([A-Za-z]+)")


# Tuples, not dataclasses: a readout has hundreds of these, and a tuple is made in a third of the time.
class Value(NamedTuple):
    """What stands between two brackets, as it came."""

    text: str

    @property
    def number_text(self) -> str:
        """Without unit and blanks, leading zeros and all; for a text: the text."""
        return self.parts()[0]

    @property
    def unit(self) -> str | None:
        """The unit that stands with it."""
        return self.parts()[1]

    @property
    def number(self) -> Decimal | None:
        """The number, with as many decimals as the meter shows; None for what is none."""
        text = self.parts()[0]
        return Decimal(text) if _NUMBER.fullmatch(text) else None

    def parts(self) -> tuple[str, str | None]:
        """The text of the number, and the unit."""
        value, star, unit = self.text.partition("*")
        if star:
            return value.strip(" "), unit.strip(" ") or None
        text = value.strip(" ")
        inside = _WITH_UNIT.fullmatch(text)
        if inside and inside[2] in UNITS:
            return inside[1], inside[2]
        return text, None


class DataSet(NamedTuple):
    """One identifier with its values; an empty identifier for a line of values alone."""

    identifier: str
    values: tuple[Value, ...]
    offset: int
    """Where it begins, in bytes of everything that was handed in."""

    @property
    def value(self) -> Value:
        """The first."""
        return self.values[0]


class Junk(NamedTuple):
    """Characters of a block that belong to no data set."""

    offset: int
    text: str


def data_sets_of(text: str, offset: int, *, is_vouched: bool = False) -> tuple[list[DataSet], list[Junk]]:
    """The data sets of a block's text that begins at byte `offset`, and what is none. Line ends are nothing.

    `is_vouched`: a check agreed. Else an identifier of other characters than meters use is rather a turned bit.
    """
    found: list[DataSet] = []
    junk: list[Junk] = []
    end = 0
    for match in (_SETS_VOUCHED if is_vouched else _SETS).finditer(text):
        begin, stop = match.span()
        if begin != end and text[end:begin].strip("\r\n "):
            _junk_between(text, end, begin, offset, junk)
        end = stop
        identifier, brackets = match.groups()
        inside = brackets[1:-1]
        values = (Value(inside),) if ")" not in inside else tuple(map(Value, inside.split(")(")))
        found.append(DataSet(identifier, values, offset + begin))
    _junk_between(text, end, len(text), offset, junk)
    return found, junk


def _junk_between(text: str, begin: int, end: int, offset: int, junk: list[Junk]) -> None:
    """Notes what stands between two data sets, if it is more than line ends and blanks."""
    between = text[begin:end]
    rest = between.lstrip("\r\n ")
    if rest:
        junk.append(Junk(offset + end - len(rest), rest.rstrip("\r\n ")))
