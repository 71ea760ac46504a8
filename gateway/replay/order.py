"""Which rows of a table have to go so that its times run on. Few rows, by a rule that can be said, never a guess.

Times have to rise, and a year without a reading is no gap but two tables: of its energy no hour could be told.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from ..tariff.walltime import iso_utc
from .fields import BadReason, FieldError

LONGEST_GAP_US = 366 * 86_400_000_000
ORDER_MEND = "the file has to run from the oldest reading to the newest"
GAP_MEND = "is the time right? If it is, replay the two parts by themselves"


def check_next(at_us: int, before_us: int, before_line: int) -> None:
    """Whether a time can follow another. Raises FieldError."""
    before = f"line {before_line}'s {iso_utc(before_us)}"
    if at_us == before_us:
        raise FieldError(BadReason.DUPLICATE_TIME, f"the same time as {before}", "keep one line of the two")
    if at_us < before_us:
        raise FieldError(BadReason.NOT_IN_ORDER, f"{iso_utc(at_us)} is not after {before}", ORDER_MEND)
    if at_us - before_us > LONGEST_GAP_US:
        message = f"{iso_utc(at_us)} is more than {LONGEST_GAP_US // 86_400_000_000} days after {before}"
        raise FieldError(BadReason.LEAPS_AHEAD, message, GAP_MEND)


def rows_to_keep(times_us: "array[int]") -> list[int]:
    """The most rows whose times rise, of equal ones the first; of parts a year apart the one with the most rows."""
    rising = _longest_rise(times_us)
    parts: list[list[int]] = []
    for row in rising:
        if not parts or times_us[row] - times_us[parts[-1][-1]] > LONGEST_GAP_US:
            parts.append([])
        parts[-1].append(row)
    return max(parts, key=len, default=[])


def why_left_out(times_us: "array[int]", lines: "array[int]", row: int, kept: Sequence[int]) -> FieldError:
    """What is wrong with a row that does not fit between the rows around it that were kept."""
    position = bisect_left(kept, row)
    try:
        if position > 0:
            before = kept[position - 1]
            check_next(times_us[row], times_us[before], lines[before])
    except FieldError as error:
        return error
    after = kept[min(position, len(kept) - 1)]
    message = f"{iso_utc(times_us[row])} does not fit before line {lines[after]}'s {iso_utc(times_us[after])}"
    return FieldError(BadReason.LEAPS_AHEAD, message)


def _longest_rise(times_us: "array[int]") -> list[int]:
    """Positions of a longest strictly rising subsequence (patience sorting)."""
    tails_us, tail_rows = array("q"), array("q")
    before = array("q", bytes(8 * len(times_us)))
    for row, at_us in enumerate(times_us):
        if not tails_us or at_us > tails_us[-1]:
            position = len(tails_us)
            tails_us.append(at_us)
            tail_rows.append(row)
        else:
            position = bisect_left(tails_us, at_us)
            if tails_us[position] == at_us:
                continue  # of equal times the first stays
            tails_us[position], tail_rows[position] = at_us, row
        before[row] = tail_rows[position - 1] if position else -1
    found, row = [], tail_rows[-1] if tail_rows else -1
    while row >= 0:
        found.append(row)
        row = before[row]
    return found[::-1]
