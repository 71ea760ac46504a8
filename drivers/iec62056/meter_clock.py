"""What an optical meter's clock shows: 0.9.1 and 0.9.2 with their season digit, or 0-0:1.0.0. Pure.

Times are hhmmss, with colons or without; dates YYMMDD or YYYYMMDD; a digit before either tells the season: 0 standard
time, 1 summer time, 2 UTC (VDEW, as recorded). A date and a time that are read apart are refused around midnight.
"""

from collections.abc import Iterable
from datetime import datetime

from ..errors import BadValueError
from ..meter_time import ClockZone, MeterTime
from .data_set import DataSet
from .mapping import value_of

TIME_CODE, DATE_CODE, BOTH_CODE = "0.9.1", "0.9.2", "1.0.0"
MIDNIGHT_S = 120
_ZONES = {"0": (ClockZone.LOCAL, False), "1": (ClockZone.LOCAL, True), "2": (ClockZone.UTC, None)}
_LETTERS = {"W": "0", "S": "1"}


def time_of(data_sets: Iterable[DataSet], zone: ClockZone) -> MeterTime:
    """The meter's time; `zone` holds where it tells no season. Raises BadValueError for what is no time."""
    sets = tuple(data_sets)
    whole, time, date = (value_of(sets, code) for code in (BOTH_CODE, TIME_CODE, DATE_CODE))
    if whole is not None:
        text = whole.text.strip(" ")
        season, digits = _LETTERS.get(text[-1:], ""), _digits(text.rstrip("WS"))
        if not season:
            season, digits = _split(digits, 12)
        return meter_time(season, digits, zone)
    if time is None or date is None:
        raise BadValueError("the telegram holds no clock: neither 0.9.1 and 0.9.2 nor 1.0.0")
    season, clock = _split(_digits(time.text), 6)
    date_season, day = _split(_digits(date.text), 8 if len(_digits(date.text)) == 8 else 6)
    shown = meter_time(season or date_season, day[-6:] + clock, zone)
    into_s = shown.shown.hour * 3600 + shown.shown.minute * 60 + shown.shown.second
    if not MIDNIGHT_S <= into_s < 86_400 - MIDNIGHT_S:
        raise BadValueError("around midnight its date and its time may be of two days")
    return shown


def meter_time(season: str, digits: str, zone: ClockZone) -> MeterTime:
    """Of a season digit ("" where there is none) and YYMMDDhhmmss. Raises BadValueError."""
    if season and season not in _ZONES:
        raise BadValueError(f"season digit {season!r}: 0, 1 or 2 expected")
    found_zone, saving = _ZONES[season] if season else (zone, None)
    if season and zone is ClockZone.UTC:
        found_zone, saving = zone, None  # the profile knows better than a digit that is always there
    try:
        shown = datetime.strptime(digits, "%y%m%d%H%M%S")
    except ValueError as error:
        raise BadValueError(f"clock: {digits!r} is no time ({error})") from error
    return MeterTime(shown, found_zone, saving)


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdecimal())


def _split(digits: str, length: int) -> tuple[str, str]:
    """(season, the rest) where one more digit stands before."""
    return (digits[0], digits[1:]) if len(digits) == length + 1 else ("", digits)
