"""One cell of a table of readings: text to UTC microseconds, text to milliwatt-hours. Exact, bounded, never guessed.

No binary float: a register is decimal text, scaled by ten, and what is finer than a milliwatt-hour is floored and
said. Times need an offset: without one, an hour of every autumn would mean two instants.
"""

import re
from datetime import UTC, datetime
from decimal import Context, Decimal
from enum import StrEnum

from ..tariff.walltime import FIRST_YEAR, LAST_YEAR, to_us

FIRST_US = to_us(datetime(FIRST_YEAR + 1, 1, 1, tzinfo=UTC))
LAST_US = to_us(datetime(LAST_YEAR - 1, 1, 1, tzinfo=UTC))
MOST_MILLIWH = 9_000_000_000_000_000_000
"""Just below int64; no meter has as many digits."""
LONGEST_NUMBER = 40
MILLIWH_IN_WH = 1000
PLAIN_DIGITS = 15
_EXACT = Context(prec=100)
"""Wide enough for every number that is short enough: nothing is rounded before it is floored."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


class BadReason(StrEnum):
    """Why a row cannot be a reading, or is none."""

    FIELD_COUNT = "field_count"
    BAD_TIME = "bad_time"
    NAIVE_TIME = "naive_time"
    BAD_NUMBER = "bad_number"
    NEGATIVE = "negative"
    TOO_LARGE = "too_large"
    BAD_STATUS = "bad_status"
    DUPLICATE_TIME = "duplicate_time"
    NOT_IN_ORDER = "not_in_order"
    LEAPS_AHEAD = "leaps_ahead"


class FieldError(Exception):
    """A cell cannot be used: its reason, what is wrong, what to do."""

    def __init__(self, reason: BadReason, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.reason, self.message, self.mend = reason, message, mend


def shown(text: str) -> str:
    """A cell as a message may carry it: quoted, cut, nothing that a terminal obeys."""
    return ascii(text if len(text) <= LONGEST_NUMBER else text[:LONGEST_NUMBER] + "...")


def time_us(text: str) -> int:
    """ISO 8601 with an offset or Z -> UTC microseconds. Raises FieldError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{shown(text)} is no time ({error})" if len(text) <= LONGEST_NUMBER else f"{shown(text)} is no time"
        raise FieldError(
            BadReason.BAD_TIME, message, "write 2026-07-01T17:00:00-07:00 or 2026-07-02T00:00:00Z"
        ) from None
    if moment.tzinfo is None:
        mend = "write it with its offset, -07:00, or as UTC with Z: on the night clocks go back an hour comes twice"
        raise FieldError(BadReason.NAIVE_TIME, f"time {shown(text)} has no offset", mend)
    try:
        utc_us = to_us(moment)
    except OverflowError:
        utc_us = 0
    if not FIRST_US <= utc_us < LAST_US:
        message = f"time {shown(text)} is outside the years {FIRST_YEAR + 1} to {LAST_YEAR - 2}"
        raise FieldError(BadReason.BAD_TIME, message)
    return utc_us


def milliwh(text: str) -> tuple[int, int, bool]:
    """A register in Wh as decimal text -> (milliwatt-hours, floored; places written; whether any was cut off).

    Raises FieldError. What Decimal is handed has few digits and a small exponent: 1e999999999 never gets there.
    """
    whole, _, places = text.partition(".")
    if len(text) <= LONGEST_NUMBER and text.isascii() and whole.isdigit() and len(whole) <= PLAIN_DIGITS:
        if not places:
            return int(whole) * MILLIWH_IN_WH, 0, False
        if places.isdigit():
            finer = len(places) > 3 and places[3:].strip("0") != ""
            return int(whole) * MILLIWH_IN_WH + int((places + "00")[:3]), len(places), finer
    if len(text) > LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        mend = "write watt-hours with a decimal point, 12345.678, without separators and units"
        raise FieldError(BadReason.BAD_NUMBER, f"{shown(text)} is no number", mend)
    scaled = Decimal(text).scaleb(3, _EXACT)
    if scaled.is_signed() and scaled:
        raise FieldError(BadReason.NEGATIVE, f"register {shown(text)} is below zero", "registers count up from 0")
    if (scaled and scaled.adjusted() > 18) or scaled > MOST_MILLIWH:
        raise FieldError(BadReason.TOO_LARGE, f"register {shown(text)} is larger than {MOST_MILLIWH // 1000} Wh")
    if scaled and scaled.adjusted() < -LONGEST_NUMBER:
        return 0, 3, True
    floored = int(scaled)
    exponent = scaled.as_tuple().exponent
    assert isinstance(exponent, int)  # inf and nan have not come so far
    return floored, max(0, 3 - exponent), scaled != floored
