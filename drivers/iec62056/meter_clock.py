"""What an optical meter's clock shows: 0.9.1 and 0.9.2 with their season digit, or 0-0:1.0.0. Pure.

A date and a time that are told apart are refused around midnight: one may be of the day before. (VDEW, as recorded)
"""

from collections.abc import Iterable

from ..errors import BadValueError
from ..meter_time import ClockZone, MeterTime
from .data_set import DataSet
from .mapping import value_of
from .meter_stamp import MeterStamp, Season, maybe_clock, maybe_stamp

TIME_CODE, DATE_CODE, BOTH_CODE = "0.9.1", "0.9.2", "1.0.0"
MIDNIGHT_S = 120
_LETTERS = {"W": "0", "S": "1"}


def time_of(data_sets: Iterable[DataSet], zone: ClockZone) -> MeterTime:
    """The meter's time; `zone` holds where it tells no season. Raises BadValueError for what is no time."""
    sets = tuple(data_sets)
    whole, time, date = (value_of(sets, code) for code in (BOTH_CODE, TIME_CODE, DATE_CODE))
    if whole is not None:
        text = whole.text.strip(" ")
        stamp = maybe_stamp(_LETTERS.get(text[-1:], "") + text.rstrip("WS"))
        told = text
    elif time is None or date is None:
        raise BadValueError("the telegram holds no clock: neither 0.9.1 and 0.9.2 nor 1.0.0")
    else:
        told = f"{date.text} {time.text}"
        stamp = maybe_clock(_bare(time.text), _bare(date.text))
    if stamp is None:
        raise BadValueError(f"clock: {told!a} is no time")
    into_s = stamp.shown.hour * 3600 + stamp.shown.minute * 60 + stamp.shown.second
    if whole is None and not MIDNIGHT_S <= into_s < 86_400 - MIDNIGHT_S:
        raise BadValueError("around midnight its date and its time may be of two days")
    return meter_time(stamp, zone)


def meter_time(stamp: MeterStamp, zone: ClockZone) -> MeterTime:
    """A stamp as a time of `zone`; a season that it tells says whether daylight saving time holds."""
    if stamp.season is Season.UTC:
        return MeterTime(stamp.shown, ClockZone.UTC, None)
    if stamp.season is None or zone is not ClockZone.LOCAL:
        return MeterTime(stamp.shown, zone, None)
    return MeterTime(stamp.shown, zone, stamp.season is Season.SUMMER)


def _bare(text: str) -> str:
    return text.strip(" ").replace(":", "").replace("-", "")
