"""Time as a meter writes it: digits, the season before them where it tells it. Its own local time, without a zone.

(IEC 62056-61 and VDEW 2.0: ZYYMMDDhhmmss, YYMMDDhhmm and shorter; Z = 0 winter, 1 summer, 2 UTC)
"""

import enum
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_DIGITS = re.compile(r"[0-9]+")
_PLAIN_LENGTHS = {6: "%y%m%d", 10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}


class Season(enum.Enum):
    """What the clock showed."""

    WINTER = "0"
    SUMMER = "1"
    UTC = "2"


@dataclass(frozen=True, slots=True)
class MeterStamp:
    """An instant on the meter's clock. `shown` has no zone: which one it is, is not known to a meter."""

    shown: datetime
    season: Season | None = None

    def later(self, minutes: int) -> "MeterStamp":
        """So many minutes of the same season on."""
        return MeterStamp(self.shown + timedelta(minutes=minutes), self.season)


def maybe_stamp(text: str) -> MeterStamp | None:
    """The instant in `text`; None for anything else, and for the zeros by which a meter says "never"."""
    if not _DIGITS.fullmatch(text):
        return None
    season = None
    if len(text) in (7, 11, 13):
        if text[0] not in "012":
            return None
        season, text = Season(text[0]), text[1:]
    form = _PLAIN_LENGTHS.get(len(text))
    if form is None:
        return None
    try:
        return MeterStamp(datetime.strptime(text, form), season)
    except ValueError:
        return None


def maybe_clock(time_text: str, date_text: str) -> MeterStamp | None:
    """The meter's clock from 0.9.1 (hhmmss or Zhhmmss) and 0.9.2 (YYMMDD or ZYYMMDD, or YYYYMMDD)."""
    season = None
    if len(time_text) == 7 and time_text[0] in "012":
        season, time_text = Season(time_text[0]), time_text[1:]
    if len(date_text) == 8:
        date_text = date_text[2:]
    date = maybe_stamp(date_text)
    if date is None or len(time_text) != 6 or not _DIGITS.fullmatch(time_text):
        return None
    whole = maybe_stamp(f"{date.shown:%y%m%d}{time_text}")
    return None if whole is None else MeterStamp(whole.shown, season or date.season)
