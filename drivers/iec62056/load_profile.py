"""A meter's load profile, P.01: headers and lines of values become intervals of its own time with energy in each.

It gives weights, never energy for the ledger. A header's time is that of its first line; the following lines lie one
interval apart; a new header comes where status or time breaks. Values are mean power (1.5, in kW) or energy of the
interval (1.29, in kWh). What does not fit is an error with its place, never left out in silence. (VDEW 2.0; recordings
of three layouts)
"""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..errors import BadValueError
from .data_set import DataSet, Value
from .energy import MILLIWH_OF_UNIT, digit_of
from .meter_stamp import MeterStamp, maybe_stamp
from .obis import AVERAGE_D, INTERVAL_D, maybe_obis

PROFILE = "P.01"
MINUTES_AN_HOUR = 60
_MILLIW_OF_UNIT = {"W": 1000, "kW": 10**6, "MW": 10**9}
_HEADER_VALUES = 4  # time, status, minutes, number of channels


class StampAt(enum.Enum):
    """Which end of its interval a line's time names. Standards ask for the end; a profile may say otherwise."""

    END = "end"
    START = "start"


@dataclass(frozen=True, slots=True)
class Channel:
    """One column: `1.5`, `1-0:1.5.0` or `1-1:1.29`, and its unit."""

    identifier: str
    unit: str

    @property
    def measures(self) -> tuple[str, str]:
        """C and D of its code; empty texts where it has none."""
        code = maybe_obis(self.identifier)
        return ("", "") if code is None else (code.c, code.d)


@dataclass(frozen=True, slots=True)
class Line:
    """One interval's values; None where the meter has none."""

    stamp: MeterStamp
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class ProfileBlock:
    """One header and its lines. `status`: as the meter wrote it, hexadecimal, the manufacturer's own meaning."""

    stamp: MeterStamp
    status: str
    minutes: int
    channels: tuple[Channel, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class IntervalEnergy:
    """One direction's energy in one interval, on the meter's clock. `resolution_milliwh`: of its last digit."""

    start: MeterStamp
    end: MeterStamp
    milliwh: int
    resolution_milliwh: int
    status: str


def profile_blocks(data_sets: Iterable[DataSet], profile: str = PROFILE) -> tuple[ProfileBlock, ...]:
    """The blocks of a profile read; other data sets are passed over. Raises BadValueError with the byte's place."""
    blocks: list[ProfileBlock] = []
    header: DataSet | None = None
    rows: list[DataSet] = []
    for one in data_sets:
        if one.identifier:
            if header is not None:
                blocks.append(_block(header, rows))
            header, rows = (one if _is_header(one, profile) else None), []
        elif header is not None:
            rows.append(one)
    if header is not None:
        blocks.append(_block(header, rows))
    return tuple(blocks)


def is_profile(identifier: str, profile: str) -> bool:
    """Whether an identifier is the profile's, with or without A-B before it."""
    return identifier.rpartition(":")[2] == profile


def _is_header(one: DataSet, profile: str) -> bool:
    """Empty brackets are a meter's word for nothing in the range that was asked for."""
    return is_profile(one.identifier, profile) and any(value.text.strip(" ") for value in one.values)


def interval_energies(
    blocks: Iterable[ProfileBlock], c: str, *, stamp_at: StampAt = StampAt.END
) -> tuple[IntervalEnergy, ...]:
    """One direction's intervals (`c`: "1" import, "2" export), in the order of the profile; a hole stays a hole.

    Raises BadValueError where a block has no column of it, or one of another unit.
    """
    found: list[IntervalEnergy] = []
    for block in blocks:
        place, milliwh_per_unit = _column(block, c)
        for line in block.lines:
            number = line.values[place]
            if number is None:
                continue
            if number < 0:
                raise BadValueError(f"load profile at {line.stamp.shown}: {number} is below zero")
            early, late = (-block.minutes, 0) if stamp_at is StampAt.END else (0, block.minutes)
            exact, digit = Fraction(number) * milliwh_per_unit, digit_of(number) * milliwh_per_unit
            found.append(
                IntervalEnergy(
                    start=line.stamp.later(early),
                    end=line.stamp.later(late),
                    milliwh=exact.numerator // exact.denominator,
                    resolution_milliwh=max(1, -(-digit.numerator // digit.denominator)),
                    status=block.status,
                )
            )
    return tuple(found)


def range_text(begin: MeterStamp | None, end: MeterStamp | None, profile: str = PROFILE) -> str:
    """The text of a read command for a stretch of the profile; None: from its beginning, to its end."""
    return f"{profile}({_bound(begin)};{_bound(end)})"


def _bound(stamp: MeterStamp | None) -> str:
    if stamp is None:
        return ""
    season = "" if stamp.season is None else stamp.season.value
    return f"{season}{stamp.shown:%y%m%d%H%M}"


def _block(header: DataSet, rows: Sequence[DataSet]) -> ProfileBlock:
    """A header and its rows. The first row may stand on the header's own line, in the brackets behind it."""
    texts = [value.text.strip(" ") for value in header.values]
    stamp = maybe_stamp(texts[0])
    if len(texts) < _HEADER_VALUES or stamp is None or not texts[2].isdecimal() or not texts[3].isdecimal():
        raise _wrong(header, "expected (time)(status)(minutes)(number of channels)(code)(unit)...")
    minutes, count = int(texts[2]), int(texts[3])
    wide = _HEADER_VALUES + 2 * count
    if minutes == 0 or count == 0 or len(texts) not in (wide, wide + count):
        raise _wrong(header, f"{count} channels of {minutes} minutes announced, {len(texts)} values in it")
    names = zip(texts[_HEADER_VALUES:wide:2], texts[_HEADER_VALUES + 1 : wide : 2], strict=True)
    channels = tuple(Channel(identifier, unit) for identifier, unit in names)
    all_values = [header.values[wide:]] if len(texts) > wide else []
    for row in rows:
        if len(row.values) != count:
            raise _wrong(row, f"{count} values expected, {len(row.values)} came")
        all_values.append(row.values)
    lines = tuple(
        Line(stamp.later(minutes * place), tuple(_number(value, header) for value in values))
        for place, values in enumerate(all_values)
    )
    return ProfileBlock(stamp, texts[1], minutes, channels, lines)


def _number(value: Value, header: DataSet) -> Decimal | None:
    number = value.number
    if number is None and value.text.strip(" -"):
        raise _wrong(header, f"({value.text}) is no number")
    return number


def _wrong(data_set: DataSet, text: str) -> BadValueError:
    return BadValueError(f"byte {data_set.offset}: load profile: {text}")


def _column(block: ProfileBlock, c: str) -> tuple[int, Fraction]:
    """Which column has a direction's energy, and what one of its units is in an interval."""
    for place, channel in enumerate(block.channels):
        its_c, its_d = channel.measures
        if its_c != c or its_d not in (AVERAGE_D, INTERVAL_D):
            continue
        if channel.unit in MILLIWH_OF_UNIT:
            return place, Fraction(MILLIWH_OF_UNIT[channel.unit])
        if channel.unit in _MILLIW_OF_UNIT:
            return place, Fraction(_MILLIW_OF_UNIT[channel.unit] * block.minutes, MINUTES_AN_HOUR)
        raise BadValueError(f"load profile: {channel.identifier} in {channel.unit!a}, expected kW or kWh")
    named = ", ".join(channel.identifier for channel in block.channels)
    raise BadValueError(f"load profile: no column {c}.{AVERAGE_D} or {c}.{INTERVAL_D} among {named}")
